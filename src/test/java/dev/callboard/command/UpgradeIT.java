package dev.callboard.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * From one archive to the next, as UPGRADING says: the user's folder stays, with data and edited routes. The archive of the
 * last release is {@code -Dcallboard.previous-archive}; without it, that of this build, since nothing is released yet.
 */
@Timeout(300)
final class UpgradeIT {
    private static final Path ARCHIVE = Path.of("target", "callboard-" + dev.callboard.Version.current() + ".tar.gz")
            .toAbsolutePath();
    private static final Path PREVIOUS = Path.of(System.getProperty("callboard.previous-archive", ARCHIVE.toString()));
    private static final String REASON = "refused for content";
    private static final String EDITED = "the shop's own words";

    private static final List<String> QUERIES = List.of(
            "SELECT provider || ' ' || task_id || ' ' || status || ' ' || outcome FROM task",
            "SELECT provider || ' ' || task_id || ' ' || payload FROM callback",
            "SELECT provider || ' ' || task_id || ' ' || url FROM result",
            "SELECT kind || ' ' || provider || ' ' || task_id FROM alert");

    private Path folder;
    private Path home;

    @BeforeEach
    void install() throws Exception {
        folder = TestCallboard.newFolder();
        Path previous = unpack(PREVIOUS, "previous");
        home = Files.createDirectory(folder.resolve("home"));
        Files.copy(previous.resolve("application.properties"), home.resolve("application.properties"));
        Path routes = Files.createDirectory(home.resolve("routes"));
        try (Stream<Path> files = Files.list(previous.resolve("routes"))) {
            for (Path file : files.toList()) {
                Files.copy(file, routes.resolve(file.getFileName()));
            }
        }
        Path fotor = routes.resolve("fotor.camel.yaml");
        String text = Files.readString(fotor);
        assertThat(text).contains(REASON);
        Files.writeString(fotor, text.replace(REASON, EDITED));
    }

    /** The folder of the program. */
    private Path unpack(Path archive, String name) throws Exception {
        Path into = Files.createDirectory(folder.resolve(name));
        Process tar = new ProcessBuilder("tar", "xzf", archive.toString())
                .directory(into.toFile())
                .inheritIO()
                .start();
        assertThat(tar.waitFor()).isZero();
        try (Stream<Path> unpacked = Files.list(into)) {
            return unpacked.findFirst().orElseThrow();
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void keepsDataAndEditedRoutes(Backend backend) throws Exception {
        Map<String, String> settings = new HashMap<>(backend.newDatabase(home));
        Path before = folder.resolve("previous");
        try (Stream<Path> program = Files.list(before)) {
            record(program.findFirst().orElseThrow(), settings, "before", 40);
        }
        Map<String, List<String>> stored = stored(settings);
        assertThat(stored.values()).allSatisfy(rows -> assertThat(rows).isNotEmpty());

        record(unpack(ARCHIVE, "next"), settings, "after", 10);

        Map<String, List<String>> now = stored(settings);
        QUERIES.forEach(query -> assertThat(now.get(query)).as(query).containsAll(stored.get(query)));
        assertThat(rows(
                        settings,
                        "SELECT DISTINCT failure_reason FROM task WHERE outcome = 'failed' AND task_id LIKE 'after%'"))
                .containsExactly(EDITED);
        assertThat(rows(settings, "SELECT task_id FROM task WHERE task_id LIKE 'after%'"))
                .hasSize(10);
    }

    /** Runs a version in the user's folder, and has it record tasks that are in progress, completed and failed. */
    private void record(Path program, Map<String, String> settings, String prefix, int tasks) throws IOException {
        try (CallboardProcess callboard = CallboardProcess.ofArchive(
                home, program.resolve("bin/callboard"), settings, Map.of("CALLBOARD_HOME", home.toString()))) {
            callboard.start();
            try (Caller caller = new Caller(callboard.port)) {
                for (int i = 0; i < tasks; i++) {
                    String body =
                            "{\"taskId\": \"%s-%d\", \"status\": %d, \"hasHsfw\": %b, \"resultUrl\": \"https://a.example/%d\"}"
                                    .formatted(prefix, i, i % 3, i % 3 == 2, i);
                    assertThat(caller.post("fotor", body)).isEqualTo(200);
                }
            }
        }
    }

    private static Map<String, List<String>> stored(Map<String, String> settings) throws SQLException {
        Map<String, List<String>> stored = new HashMap<>();
        for (String query : QUERIES) {
            stored.put(query, rows(settings, query));
        }
        return stored;
    }

    private static List<String> rows(Map<String, String> settings, String query) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection(
                        settings.get("callboard.database.url"),
                        settings.getOrDefault("callboard.database.user", "sa"),
                        settings.getOrDefault("callboard.database.password", ""));
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                rows.add(row.getString(1));
            }
        }
        return rows;
    }
}
