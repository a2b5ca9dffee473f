package dev.callboard.testkit;

import static org.awaitility.Awaitility.await;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** A PostgreSQL server that a test can kill and start again on the same data. Its commits are durable. */
public final class PostgresqlServer implements AutoCloseable {
    private final Path data;
    private final EmbeddedPostgres server;
    private final List<String> command;

    public PostgresqlServer(Path data) {
        this.data = data;
        try {
            this.server = EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    // The builder's defaults switch durability off.
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ProcessHandle.Info started = postmaster().info();
        // PostgreSQL refuses to run as root.
        this.command =
                new ArrayList<>("root".equals(System.getProperty("user.name")) ? List.of("unshare", "-U") : List.of());
        command.add(started.command().orElseThrow());
        command.addAll(List.of(started.arguments().orElseThrow()));
    }

    private ProcessHandle postmaster() {
        try {
            String pid = Files.readAllLines(data.resolve("postmaster.pid")).get(0);
            return ProcessHandle.of(Long.parseLong(pid.strip())).orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Map<String, String> settings() {
        return settings("postgres");
    }

    /** The settings of a new, empty database on it. */
    public Map<String, String> newDatabase() {
        String name = "callboard_" + UUID.randomUUID().toString().replace("-", "");
        try (Connection connection = server.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + name);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return settings(name);
    }

    private Map<String, String> settings(String name) {
        return Map.of(
                "callboard.database.url", "jdbc:postgresql://127.0.0.1:" + server.getPort() + "/" + name,
                "callboard.database.user", "postgres",
                "callboard.database.password", "postgres");
    }

    /** Kills the server and each of its processes with SIGKILL. */
    public void kill() {
        ProcessHandle postmaster = postmaster();
        List<ProcessHandle> children = postmaster.descendants().toList();
        postmaster.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        await().until(() -> !postmaster.isAlive() && children.stream().noneMatch(ProcessHandle::isAlive));
    }

    /** Starts it on the same data after {@link #kill()}; returns once it accepts connections. */
    public void startAgain() {
        try {
            new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(data.resolveSibling("postgresql.log").toFile())
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        await().atMost(Duration.ofSeconds(60)).until(this::answers);
    }

    private boolean answers() {
        try (Connection connection = server.getPostgresDatabase().getConnection()) {
            return connection.isValid(5);
        } catch (SQLException e) {
            return false;
        }
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
