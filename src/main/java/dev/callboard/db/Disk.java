package dev.callboard.db;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * The bean {@code disk}: for a route that must not go on before what it has committed would survive the loss of the
 * process and of power, since H2 answers before its file is written. Safe for any number of threads.
 */
public final class Disk {
    private final Database database;

    public Disk(Database database) {
        this.database = database;
    }

    public void sync() throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            database.sync(connection);
        }
    }
}
