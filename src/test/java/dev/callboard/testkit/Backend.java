package dev.callboard.testkit;

import dev.callboard.settings.Settings;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;

/** The databases that Callboard runs on. */
public enum Backend {
    H2 {
        @Override
        public Map<String, String> newDatabase(Path folder) {
            return Map.of(
                    "callboard.database.url",
                    Settings.Database.DEFAULT_URL.replace(
                            "./data/callboard", folder.resolve("data/callboard").toString()));
        }

        @Override
        public AutoCloseable outage(DataSource used) throws SQLException {
            Connection only = used.getConnection();
            execute(only, "SET EXCLUSIVE 2");
            return () -> {
                execute(only, "SET EXCLUSIVE 0");
                only.close();
            };
        }
    },
    POSTGRESQL {
        @Override
        public Map<String, String> newDatabase(Path folder) {
            String name = "callboard_" + UUID.randomUUID().toString().replace("-", "");
            try (Connection connection = Server.POSTGRES.getPostgresDatabase().getConnection()) {
                // As on most servers, texts are in the order of a language.
                execute(
                        connection,
                        "CREATE DATABASE " + name + " TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
            return Map.of(
                    "callboard.database.url", "jdbc:postgresql://127.0.0.1:" + Server.POSTGRES.getPort() + "/" + name,
                    "callboard.database.user", "postgres",
                    "callboard.database.password", "postgres");
        }

        @Override
        public AutoCloseable outage(DataSource used) throws SQLException {
            String name;
            try (Connection connection = used.getConnection()) {
                name = connection.getCatalog();
            }
            Connection server = Server.POSTGRES.getPostgresDatabase().getConnection();
            execute(server, "ALTER DATABASE " + name + " ALLOW_CONNECTIONS false");
            execute(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'");
            return () -> {
                execute(server, "ALTER DATABASE " + name + " ALLOW_CONNECTIONS true");
                server.close();
            };
        }
    };

    /** The settings of a new, empty database. */
    public abstract Map<String, String> newDatabase(Path folder);

    /** Closes all connections to a database and rejects new ones until the returned object is closed. */
    public abstract AutoCloseable outage(DataSource used) throws SQLException;

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** One server for all tests of this JVM, started on first use; it stops with the JVM. */
    private static final class Server {
        static final EmbeddedPostgres POSTGRES = start();

        private static EmbeddedPostgres start() {
            try {
                return EmbeddedPostgres.builder().start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
