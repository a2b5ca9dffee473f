package dev.callboard;

import static org.awaitility.Awaitility.await;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A PostgreSQL server of its own, which can be killed and started again with the same data; it writes to the disk. */
final class PostgresqlServer implements AutoCloseable {
    private final Path data;
    private final int port;
    private EmbeddedPostgres server;

    PostgresqlServer(Path data) {
        this.data = data;
        try {
            this.port = TestCallboard.freePort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        start();
    }

    /** Starts it, with what was there before if it was killed. */
    void start() {
        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(200))
                .until(this::starts);
    }

    private boolean starts() {
        try {
            server = EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setPort(port)
                    // The builder's defaults are for tests that need not survive anything.
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .start();
            return true;
        } catch (IOException | IllegalStateException e) {
            // Processes of the one that was killed may still be there for a moment.
            return false;
        }
    }

    Map<String, String> settings() {
        return Map.of(
                "callboard.database.url", "jdbc:postgresql://127.0.0.1:" + port + "/postgres",
                "callboard.database.user", "postgres",
                "callboard.database.password", "postgres");
    }

    /** kill -9 of the server and of each of its processes. */
    void kill() {
        try {
            List<String> lines = Files.readAllLines(data.resolve("postmaster.pid"));
            ProcessHandle postmaster =
                    ProcessHandle.of(Long.parseLong(lines.get(0).strip())).orElseThrow();
            List<ProcessHandle> children = postmaster.descendants().toList();
            postmaster.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
            await().until(() -> !postmaster.isAlive() && children.stream().noneMatch(ProcessHandle::isAlive));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
