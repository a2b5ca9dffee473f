package dev.callboard;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.UUID;

/** The databases that Callboard runs on. Each test that says so runs on both. */
enum Backend {
    H2 {
        @Override
        Map<String, String> newDatabase(Path folder) {
            return Map.of(
                    "callboard.database.url",
                    Database.DEFAULT_URL.replace(
                            "./data/callboard", folder.resolve("data/callboard").toString()));
        }
    },
    POSTGRESQL {
        @Override
        Map<String, String> newDatabase(Path folder) {
            String name = "callboard_" + UUID.randomUUID().toString().replace("-", "");
            try (Connection connection = Server.POSTGRES.getPostgresDatabase().getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("CREATE DATABASE " + name);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
            return Map.of(
                    "callboard.database.url", "jdbc:postgresql://127.0.0.1:" + Server.POSTGRES.getPort() + "/" + name,
                    "callboard.database.user", "postgres",
                    "callboard.database.password", "postgres");
        }
    };

    /** The settings of a database that nobody has used. */
    abstract Map<String, String> newDatabase(Path folder);

    /** One server for all tests of this JVM, started when the first one asks, ended with the JVM. */
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
