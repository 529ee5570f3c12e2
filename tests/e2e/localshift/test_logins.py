"""Many clients at once: whoever knows the password gets in, and is who the server says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import redshift_connector

from localshift import Localshift


def test_clients_that_log_in_at_the_same_time_all_get_in_as_themselves(server: Localshift) -> None:
    def who(name: str) -> str:
        given = {**server.connect_args, "user": name, "password": server.users[name]}
        with redshift_connector.connect(**given) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            return str(cursor.fetchone()[0])

    wanted = ["admin", "reader"] * 60
    with ThreadPoolExecutor(8) as clients:
        assert list(clients.map(who, wanted)) == wanted
