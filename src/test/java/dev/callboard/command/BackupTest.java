package dev.callboard.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.callboard.Version;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.Provider;
import dev.callboard.testkit.StoredRows;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code callboard backup} and {@code callboard restore}, against a Callboard that records meanwhile. */
@Timeout(120)
final class BackupTest {
    private static final String PASSWORD = "a-password-of-16-characters";
    private static final int CONNECTIONS = 8;

    private final Commands commands = new Commands();
    private TestCallboard callboard;
    private Settings settings;
    private Path file;
    private volatile boolean calling = true;

    @BeforeEach
    void start() throws IOException {
        Path folder = TestCallboard.newFolder();
        file = folder.resolve("backup.zip");
        Map<String, String> given = new LinkedHashMap<>(Backend.H2.newDatabase(folder));
        given.put("callboard.http.port", String.valueOf(TestCallboard.freePort()));
        given.put("callboard.management.port", String.valueOf(TestCallboard.freePort()));
        given.put("callboard.management.password", PASSWORD);
        callboard = TestCallboard.start(Backend.H2, given);
        settings = Commands.settings(given);
    }

    @AfterEach
    void stop() {
        callboard.close();
    }

    @Test
    void hasAllThatWasAcknowledgedBeforeItBegan() throws Exception {
        Provider before = new Provider(CONNECTIONS, 1);
        before.callBack(callboard.port);
        await().until(() -> before.acknowledged() > 200);
        before.stop();
        AtomicInteger during = new AtomicInteger();
        CompletableFuture<Void> calls = CompletableFuture.runAsync(() -> call(during));
        await().until(() -> during.get() > 20);

        Backup.write(settings, file, commands.out);
        int acknowledged = during.get();
        await().until(() -> during.get() > acknowledged + 20);
        calling = false;
        calls.join();

        try (Connection restored = connect(restored())) {
            assertThat(before.differences(restored)).isEmpty();
        }
    }

    /** Calls back about one new task after the other; each call must be answered 200. */
    private void call(AtomicInteger acknowledged) {
        try (Caller caller = new Caller(callboard.port)) {
            while (calling) {
                String body = "{\"taskId\": \"during-" + acknowledged.get() + "\", \"status\": 2}";
                assertThat(caller.post("fotor", body)).isEqualTo(200);
                acknowledged.incrementAndGet();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void isTheSameRowByRowOnceRestored() throws Exception {
        callboard.post("fotor", TestCallboard.payload("fotor-avatar-completed"));
        callboard.post("fotor", TestCallboard.payload("fotor-video-failed"));
        callboard.post("fotor", "{\"no\": \"task\"}");
        await().until(() ->
                callboard.count("quarantine") == 1 && callboard.mails().size() == 2);
        await().until(() ->
                callboard.rows("SELECT 1 FROM mail WHERE state = 'pending'").isEmpty());
        Map<String, List<String>> rows;
        try (Connection connection = callboard.callboard().dataSource().getConnection()) {
            rows = StoredRows.of(connection);
        }

        Backup.write(settings, file, commands.out);

        assertThat(commands.output()).startsWith("The backup is " + file + " (").contains("read back without an error");
        assertThat(Files.getPosixFilePermissions(file)).hasSize(2);
        assertThat(rows.get("callback")).hasSize(2);
        Map<String, String> restored = restored();
        assertThat(StoredRows.of(restored)).isEqualTo(rows);
        assertThatThrownBy(() -> Restore.run(Commands.settings(restored), file, commands.out))
                .isInstanceOf(CommandFailedException.class)
                .hasMessageStartingWith("there is a database already: ");
    }

    @Test
    void leavesNothingBehindWhenTheClientGoesAway() throws Exception {
        callboard.post("fotor", TestCallboard.payload("fotor-avatar-completed"));
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < 3; i++) {
            HttpRequest request = Management.request(settings, "/backup")
                    .POST(HttpRequest.BodyPublishers.noBody())
                    .build();
            HttpResponse<InputStream> response = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
            assertThat(response.statusCode()).isEqualTo(200);
            response.body().close();
            await().atMost(Duration.ofSeconds(20)).until(() -> openBackups() == 0);
        }
        Backup.write(settings, file, commands.out);
        assertThat(openBackups()).isZero();
        try (Stream<Path> files = Files.list(file.resolveSibling("data"))) {
            assertThat(files.map(Path::toString)).noneMatch(name -> name.contains("backup"));
        }
    }

    private static long openBackups() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.filter(fd -> {
                        try {
                            return Files.readSymbolicLink(fd).toString().contains("/backup-");
                        } catch (IOException e) {
                            return false;
                        }
                    })
                    .count();
        }
    }

    @Test
    void writesNoFileIfItFails() throws IOException {
        Files.createFile(file);
        assertThatThrownBy(() -> Backup.write(settings, file, commands.out))
                .hasMessage(file + " exists; a backup is written to a new file");
        Files.delete(file);
        Settings other = Commands.settings(Map.of(
                "callboard.management.port",
                String.valueOf(callboard.managementPort),
                "callboard.management.password",
                PASSWORD + "?"));
        assertThatThrownBy(() -> Backup.write(other, file, commands.out)).hasMessageContaining("answered 401");
        callboard.stop();
        assertThatThrownBy(() -> Backup.write(settings, file, commands.out))
                .isInstanceOf(CommandFailedException.class)
                .hasMessageStartingWith("nothing answers at http://127.0.0.1:" + callboard.managementPort);
        assertThat(file).doesNotExist();
        assertThat(file.resolveSibling("backup.zip.part")).doesNotExist();
    }

    @Test
    void restoresNoFileThatIsNoBackup() throws IOException {
        for (byte[] content : List.of(new byte[0], new byte[100])) {
            Files.write(file, content);
            Map<String, String> empty = Backend.H2.newDatabase(TestCallboard.newFolder());
            Settings target = Commands.settings(empty);
            assertThatThrownBy(() -> Restore.run(target, file, commands.out))
                    .isInstanceOf(CommandFailedException.class)
                    .hasMessageEndingWith("it is no backup of callboard backup");
            assertThat(dev.callboard.db.Database.file(target.database()).orElseThrow())
                    .doesNotExist();
        }
    }

    @Test
    void namesTheToolsOfPostgresql() {
        Settings postgresql = Commands.settings(Backend.POSTGRESQL.newDatabase(Path.of("unused")));
        assertThatThrownBy(() -> Backup.write(postgresql, file, commands.out)).hasMessageContaining("pg_dump");
        assertThatThrownBy(() -> Restore.run(postgresql, file, commands.out)).hasMessageContaining("pg_restore");
        try (TestCallboard other = TestCallboard.start(Backend.POSTGRESQL)) {
            HttpResponse<String> response = TestCallboard.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + other.managementPort + "/backup"))
                            .POST(HttpRequest.BodyPublishers.noBody())
                            .build());
            assertThat(response.statusCode()).isEqualTo(501);
            assertThat(response.body()).contains("pg_dump");
            assertThat(other.manage("/observe/info").body())
                    .contains("\"version\":\"" + Version.current() + "\"", "\"database\":\"postgresql\"");
        }
    }

    @Test
    void tellsItsVersion() {
        assertThat(Version.current()).matches("\\d+\\.\\d+\\.\\d+.*");
        assertThat(Management.runningVersion(settings)).contains(Version.current());
    }

    /** The settings of a database that is restored from the backup. */
    private Map<String, String> restored() throws Exception {
        Map<String, String> database = Backend.H2.newDatabase(TestCallboard.newFolder());
        Restore.run(Commands.settings(database), file, commands.out);
        return database;
    }

    private static Connection connect(Map<String, String> database) throws Exception {
        return DriverManager.getConnection(database.get("callboard.database.url"), "sa", "");
    }
}
