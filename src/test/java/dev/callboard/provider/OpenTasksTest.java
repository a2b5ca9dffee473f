package dev.callboard.provider;

import static dev.callboard.testkit.Callbacks.NOON;
import static dev.callboard.testkit.Callbacks.callback;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.db.Database;
import dev.callboard.provider.OpenTasks.Lease;
import dev.callboard.provider.OpenTasks.Noted;
import dev.callboard.settings.Settings;
import dev.callboard.task.Deadlines;
import dev.callboard.task.Outcome;
import dev.callboard.task.TaskStore;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The table of open tasks, where a look-up and a callback meet. */
final class OpenTasksTest {
    @ParameterizedTest
    @EnumSource(Backend.class)
    void keepsATaskThatIsOverWhenAnotherCallbackWasNotRecordedDuringTheLookUp(Backend backend) throws Exception {
        Properties properties = new Properties();
        properties.putAll(backend.newDatabase(TestCallboard.newFolder()));
        try (Database database = Database.open(Settings.read(Path.of("no-file"), Map.of(), properties))) {
            new TaskStore(database, new Deadlines(Map.of()))
                    .recordGroup(List.of(callback("over", "2", Outcome.FAILED, null, 0)));
            update(
                    database,
                    "INSERT INTO open_task (provider, task_id, opened_at, next_lookup_at) VALUES ('fotor', 'over', ?, ?)",
                    NOON,
                    NOON);
            OpenTasks openTasks = new OpenTasks(database);
            Map<String, Noted> answers =
                    Map.of("over", new Noted("it has failed", true, Optional.of(NOON.plusSeconds(600))));

            Lease lease = openTasks.lease("fotor", NOON, NOON.plusSeconds(60), 10);
            assertThat(lease.tasks()).hasSize(1);
            update(database, "UPDATE open_task SET next_lookup_at = ?", NOON.plusMillis(1));
            openTasks.note("fotor", lease, answers, NOON.plusSeconds(1));
            assertThat(nextLookup(database)).contains(NOON.plusMillis(1));

            Lease next = openTasks.lease("fotor", NOON.plusSeconds(2), NOON.plusSeconds(62), 10);
            openTasks.note("fotor", next, answers, NOON.plusSeconds(3));
            assertThat(nextLookup(database)).isEmpty();
        }
    }

    private static void update(Database database, String sql, Instant... times) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement update = connection.prepareStatement(sql)) {
            for (int i = 0; i < times.length; i++) {
                update.setObject(i + 1, times[i].atOffset(ZoneOffset.UTC));
            }
            update.executeUpdate();
        }
    }

    /** Of the only open task; empty if there is none. */
    private static Optional<Instant> nextLookup(Database database) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement select = connection.prepareStatement("SELECT next_lookup_at FROM open_task");
                ResultSet row = select.executeQuery()) {
            return row.next()
                    ? Optional.of(row.getObject(1, OffsetDateTime.class).toInstant())
                    : Optional.empty();
        }
    }
}
