package dev.callboard.task;

import static dev.callboard.testkit.Callbacks.NOON;
import static dev.callboard.testkit.Callbacks.callback;
import static dev.callboard.testkit.Callbacks.lookedUp;
import static dev.callboard.testkit.Callbacks.withResult;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.db.Retention;
import dev.callboard.event.EventLog;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.OnEachDatabase;
import dev.callboard.testkit.SettableClock;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which callbacks make events, decided and stored with their group. */
final class TaskEventsTest extends OnEachDatabase {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String URL = "https://x.example/1.png";

    private final String task = UUID.randomUUID().toString();
    private TaskStore store;

    @BeforeEach
    void open() {
        store = new TaskStore(callboard.callboard().database(), new Deadlines(Map.of()), new EventLog(true));
    }

    private Callback in(Outcome outcome, int seconds) {
        return callback(task, outcome.code(), outcome, null, seconds);
    }

    private List<JsonNode> events() throws Exception {
        List<JsonNode> events = new ArrayList<>();
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                PreparedStatement select =
                        connection.prepareStatement("SELECT data FROM event WHERE task_id = ? ORDER BY position")) {
            select.setString(1, task);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    events.add(JSON.readTree(row.getString(1)));
                }
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return events;
    }

    private List<String> changes() throws Exception {
        return events().stream()
                .map(event -> event.path("type").asText() + " after "
                        + event.at("/data/previousOutcome").asText())
                .toList();
    }

    @Test
    void makesTheEventsOfOneGroupAsIfEachCallbackCameAlone() throws Exception {
        store.recordGroup(List.of(
                in(Outcome.IN_PROGRESS, 0),
                withResult(in(Outcome.COMPLETED, 1), URL),
                withResult(in(Outcome.COMPLETED, 2), URL),
                withResult(in(Outcome.COMPLETED, 3), URL + "?2"),
                in(Outcome.IN_PROGRESS, 4),
                in(Outcome.FAILED, 5)));
        assertThat(changes())
                .containsExactly(
                        "task.in_progress after null",
                        "task.completed after in_progress",
                        "task.result_added after completed",
                        "task.failed after completed");
    }

    @Test
    void knowsTheFilesThatAreStored() throws Exception {
        store.recordGroup(List.of(withResult(in(Outcome.COMPLETED, 1), URL)));
        store.recordGroup(List.of(withResult(in(Outcome.COMPLETED, 2), URL)));
        store.recordGroup(List.of(withResult(in(Outcome.COMPLETED, 3), URL + "?2")));
        assertThat(changes()).containsExactly("task.completed after null", "task.result_added after completed");
    }

    @Test
    void tellsWhatALookUpFinds() throws Exception {
        store.recordGroup(List.of(in(Outcome.IN_PROGRESS, 0)));
        Callback found = lookedUp(withResult(in(Outcome.COMPLETED, 60), URL), 60);
        assertThat(store.recordGroup(List.of(found, lookedUp(found, 60))))
                .containsExactly(RecordResult.MISSED, RecordResult.UNCHANGED);
        assertThat(changes()).containsExactly("task.in_progress after null", "task.completed after in_progress");
        assertThat(events().get(1).at("/data/origin").asText()).isEqualTo("lookup");
        assertThat(events().get(1).at("/data/eventId").asText())
                .isEqualTo(found.id().toString());
    }

    @Test
    void makesNoneForAProbe() throws Exception {
        store.checkWritable();
        new TaskStore(callboard.callboard().database(), new Deadlines(Map.of()), new EventLog(true)).checkWritable();
        assertThat(callboard.rows("SELECT 1 FROM event WHERE provider = '(probe)'"))
                .isEmpty();
    }

    @Test
    void leavesWithItsTaskUnlessItIsStillToBeDelivered() throws Exception {
        String other = task + "-delivered";
        store.recordGroup(List.of(in(Outcome.COMPLETED, 0), callback(other, "completed", Outcome.COMPLETED, null, 0)));
        Failures.update(
                callboard,
                "UPDATE event SET state = 'delivered', next_attempt_at = NULL, ended_at = created_at WHERE task_id = '"
                        + other + "'");
        new Retention(
                        callboard.callboard().database(),
                        Optional.of(Duration.ofDays(30)),
                        new SettableClock(NOON.plus(Duration.ofDays(31))))
                .apply();
        assertThat(callboard.rows("SELECT 1 FROM task WHERE task_id IN (?, ?)", task, other))
                .isEmpty();
        assertThat(changes()).containsExactly("task.completed after null");
        assertThat(callboard.rows("SELECT 1 FROM event WHERE task_id = ?", other))
                .isEmpty();
    }
}
