package dev.callboard.task;

import static dev.callboard.task.Outcome.COMPLETED;
import static dev.callboard.task.Outcome.FAILED;
import static dev.callboard.task.Outcome.IN_PROGRESS;
import static dev.callboard.task.Outcome.UNKNOWN;
import static dev.callboard.task.RecordResult.APPLIED;
import static dev.callboard.task.RecordResult.DUPLICATE;
import static dev.callboard.task.RecordResult.STALE;
import static dev.callboard.testkit.Callbacks.NOON;
import static dev.callboard.testkit.Callbacks.callback;
import static dev.callboard.testkit.Callbacks.duplicate;
import static dev.callboard.testkit.Callbacks.replayed;
import static dev.callboard.testkit.Callbacks.withResult;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.db.Database;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Recording in the tables: groups of callbacks, alerts, and several processes at once. */
@ParameterizedClass
@EnumSource(Backend.class)
record TaskStoreTest(Backend backend) {
    private static Settings settings;
    private static Database database;
    private static TaskStore store;

    @BeforeParameterizedClassInvocation
    static void open(Backend backend) throws IOException {
        Properties properties = new Properties();
        properties.putAll(backend.newDatabase(TestCallboard.newFolder()));
        settings = Settings.read(Path.of("no-file"), Map.of(), properties);
        database = Database.open(settings);
        store = new TaskStore(database, new Deadlines(Map.of()));
    }

    @AfterParameterizedClassInvocation
    static void close() {
        database.close();
    }

    @Test
    void raisesTwoAlertsForATaskThatFailsCompletesAndFailsAgain() throws Exception {
        String id = newId();

        assertThat(record(callback(id, "2", FAILED, null, 0, "failed"))).isEqualTo(APPLIED);
        assertThat(record(callback(id, "1", COMPLETED, null, 1))).isEqualTo(APPLIED);
        assertThat(record(callback(id, "2", FAILED, null, 2, "failed"))).isEqualTo(APPLIED);

        assertThat(alerts(id)).containsExactlyInAnyOrder("failed in revision 1", "failed in revision 3");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void takesTheSameBodyForANewEventIfItChangesTheOutcomeBack(boolean inOneGroup) throws Exception {
        String id = newId();
        Callback failed = callback(id, "2", FAILED, null, 0, "failed");
        Callback completed = callback(id, "1", COMPLETED, null, 1);
        List<Callback> callbacks = List.of(
                failed,
                duplicate(failed, 1),
                completed,
                duplicate(failed, 2),
                duplicate(failed, 3),
                duplicate(completed, 4),
                duplicate(failed, 5));

        List<RecordResult> results = new ArrayList<>();
        if (inOneGroup) {
            results.addAll(store.recordGroup(callbacks));
        } else {
            for (Callback callback : callbacks) {
                results.add(record(callback));
            }
        }

        assertThat(results).containsExactly(APPLIED, DUPLICATE, APPLIED, APPLIED, DUPLICATE, APPLIED, APPLIED);
        assertThat(value(id, "outcome")).isEqualTo("failed");
        assertThat(alerts(id))
                .containsExactlyInAnyOrder("failed in revision 1", "failed in revision 3", "failed in revision 5");
        assertThat(rows("callback", id)).isEqualTo(5);
    }

    @Test
    void takesTheSameBodyForADuplicateIfItHasATimeOrIsNotApplied() throws Exception {
        String id = newId();
        Callback failed = callback(id, "2", FAILED, 10, 0, "failed");
        record(failed);
        record(callback(id, "1", COMPLETED, null, 1));
        assertThat(record(duplicate(failed, 2))).as("with a time").isEqualTo(DUPLICATE);

        String other = newId();
        Callback progress = callback(other, "0", IN_PROGRESS, null, 0);
        record(progress);
        Callback done = callback(other, "1", COMPLETED, null, 1);
        record(done);
        record(callback(other, "2", FAILED, null, 2));
        assertThat(record(duplicate(progress, 3))).as("not finished").isEqualTo(DUPLICATE);
        assertThat(record(replayed(duplicate(done, 1), 4)))
                .as("received before the one that was applied last")
                .isEqualTo(DUPLICATE);
        assertThat(value(other, "outcome")).isEqualTo("failed");
        assertThat(record(replayed(duplicate(done, 5), 6)))
                .as("received after it")
                .isEqualTo(APPLIED);
    }

    @Test
    void countsAChangeBackOnceWithSeveralProcesses() throws Exception {
        String id = newId();
        Callback failed = callback(id, "2", FAILED, null, 0, "failed");
        record(failed);
        record(callback(id, "1", COMPLETED, null, 1));
        Database another = database.isH2() ? database : Database.open(settings);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<TaskStore> stores = List.of(store, new TaskStore(another, new Deadlines(Map.of())));
            List<Future<List<RecordResult>>> written = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                TaskStore one = stores.get(i % 2);
                Callback again = duplicate(failed, 2 + i);
                written.add(threads.submit(() -> one.recordGroup(List.of(again))));
            }
            List<RecordResult> results = new ArrayList<>();
            for (Future<List<RecordResult>> result : written) {
                results.addAll(result.get());
            }
            assertThat(results).containsOnlyOnce(APPLIED).contains(DUPLICATE).doesNotContain(STALE);
        } finally {
            threads.shutdown();
            if (!database.isH2()) {
                another.close();
            }
        }
        assertThat(rows("callback", id)).isEqualTo(3);
        assertThat(alerts(id)).containsExactlyInAnyOrder("failed in revision 1", "failed in revision 3");
    }

    @Test
    void recordsNothingOfAnEmptyGroup() throws Exception {
        assertThat(store.recordGroup(List.of())).isEmpty();
    }

    @Test
    void raisesTheSameAlertsForCallbacksInOneGroup() throws Exception {
        String id = newId();

        List<RecordResult> results = store.recordGroup(List.of(
                callback(id, "2", FAILED, null, 0, "failed"),
                callback(id, "1", COMPLETED, null, 1),
                callback(id, "2", FAILED, null, 2, "failed")));

        assertThat(results).containsExactly(APPLIED, APPLIED, APPLIED);
        assertThat(alerts(id)).containsExactlyInAnyOrder("failed in revision 1", "failed in revision 3");
        assertThat(value(id, "outcome_since")).isEqualTo(NOON.plusSeconds(2));
        assertThat(rows("callback", id)).isEqualTo(3);
    }

    @Test
    void raisesOneAlertForAFailureThatIsSentAgain() throws Exception {
        String id = newId();
        Callback failed = callback(id, "2", FAILED, null, 0, "failed");

        record(failed);
        assertThat(record(callback(id, "2", FAILED, null, 1, "failed"))).isEqualTo(APPLIED);
        assertThat(record(duplicate(failed, 2))).isEqualTo(DUPLICATE);

        assertThat(alerts(id)).containsExactly("failed in revision 1");
        assertThat(rows("callback", id)).isEqualTo(2);
    }

    @Test
    void recordsADuplicateOnceButTheTimeOfTheLastCallback() throws Exception {
        String id = newId();
        Callback progress = callback(id, "0", IN_PROGRESS, null, 0);
        record(progress);
        Callback done = callback(id, "1", COMPLETED, null, 10);

        assertThat(store.recordGroup(List.of(done, duplicate(done, 20), duplicate(progress, 30))))
                .containsExactly(APPLIED, DUPLICATE, DUPLICATE);

        assertThat(rows("callback", id)).isEqualTo(2);
        assertThat(value(id, "outcome")).isEqualTo("completed");
        assertThat(value(id, "changed_at")).isEqualTo(NOON.plusSeconds(10));
        assertThat(value(id, "last_callback_at")).isEqualTo(NOON.plusSeconds(30));
        assertThat(value(id, "applied_callback_id")).isEqualTo(done.id());
    }

    @Test
    void storesAStaleCallbackButDoesNotApplyIt() throws Exception {
        String id = newId();
        record(callback(id, "1", COMPLETED, 20, 0));

        assertThat(record(callback(id, "2", FAILED, 10, 1, "failed"))).isEqualTo(STALE);
        assertThat(record(callback(id, "0", IN_PROGRESS, null, 2))).isEqualTo(STALE);
        assertThat(record(callback(id, "9", UNKNOWN, 30, 3))).isEqualTo(STALE);

        assertThat(rows("callback", id)).isEqualTo(4);
        assertThat(alerts(id)).isEmpty();
        assertThat(value(id, "status")).isEqualTo("1");
        assertThat(value(id, "revision")).isEqualTo(1);
        assertThat(value(id, "changed_at")).isEqualTo(NOON);
        assertThat(value(id, "last_callback_at")).isEqualTo(NOON.plusSeconds(3));
        assertThat(value(id, "occurred_at")).isEqualTo(NOON.plusSeconds(20));
    }

    @Test
    void movesNoTimeBackWhenAnEarlierCallbackIsReplayed() throws Exception {
        String id = newId();
        Callback progress = callback(id, "0", IN_PROGRESS, null, 10);
        Callback done = callback(id, "1", COMPLETED, null, 20, "flagged");
        record(progress);
        record(duplicate(progress, 30));

        assertThat(record(replayed(done, 40))).isEqualTo(APPLIED);
        assertThat(record(replayed(callback(id, "2", FAILED, null, 15), 41))).isEqualTo(STALE);
        assertThat(record(replayed(duplicate(done, 20), 42))).isEqualTo(DUPLICATE);

        assertThat(value(id, "outcome")).isEqualTo("completed");
        assertThat(value(id, "last_callback_at")).isEqualTo(NOON.plusSeconds(30));
        assertThat(value(id, "changed_at")).isEqualTo(NOON.plusSeconds(40));
        assertThat(value(id, "outcome_since")).isEqualTo(NOON.plusSeconds(40));
        assertThat(query("SELECT CAST(EXTRACT(EPOCH FROM created_at) AS BIGINT) FROM alert WHERE task_id = ?", id))
                .containsExactly(NOON.plusSeconds(40).getEpochSecond());
    }

    @Test
    void comparesAReplayedCallbackWithTheReceptionOfTheOneAppliedLast() throws Exception {
        String id = newId();
        record(callback(id, "9", UNKNOWN, null, 10));

        assertThat(record(replayed(callback(id, "2", FAILED, null, 1), 20))).isEqualTo(APPLIED);
        assertThat(record(replayed(callback(id, "1", COMPLETED, null, 2), 21))).isEqualTo(APPLIED);

        assertThat(value(id, "outcome")).isEqualTo("completed");
    }

    @Test
    void storesTheResultsOfAStaleCallbackAndRaisesItsFlaggedAlert() throws Exception {
        String id = newId();
        record(withResult(callback(id, "1", COMPLETED, 20, 0), "https://x.example/1"));

        record(withResult(callback(id, "1", COMPLETED, 10, 1, "incomplete", "flagged"), "https://x.example/2"));
        record(withResult(callback(id, "1", COMPLETED, 5, 2), "https://x.example/1"));

        assertThat(rows("result", id)).isEqualTo(2);
        assertThat(alerts(id)).containsExactly("flagged in revision 1");
    }

    @Test
    void losesNothingAndDoesNotDeadlockWithSeveralProcesses() throws Exception {
        Random random = new Random(7);
        String run = newId().substring(0, 8);
        List<Callback> all = new ArrayList<>();
        Map<String, String> last = new HashMap<>();
        for (int task = 0; task < 100; task++) {
            String id = run + "-" + task;
            for (int time = 1; time <= 4; time++) {
                boolean fails = random.nextBoolean();
                all.add(withResult(
                        callback(id, "at " + time, fails ? FAILED : COMPLETED, time, time, "failed"),
                        "https://x.example/" + id + time));
                last.put(id, "at " + time);
            }
            all.add(callback(id, run + " " + task % 20, UNKNOWN, 5, 5, "unknown"));
        }
        List<List<Callback>> groups = new ArrayList<>();
        for (int copy = 0; copy < 4; copy++) {
            Collections.shuffle(all, random);
            for (int from = 0; from < all.size(); from += 20) {
                groups.add(all.subList(from, from + 20).stream()
                        .map(callback -> duplicate(callback, 6))
                        .toList());
            }
        }

        long deadlocks = deadlocks();
        // H2's file belongs to one process.
        Database another = database.isH2() ? database : Database.open(settings);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<TaskStore> stores = List.of(store, new TaskStore(another, new Deadlines(Map.of())));
            List<Future<List<RecordResult>>> written = new ArrayList<>();
            for (int i = 0; i < groups.size(); i++) {
                TaskStore one = stores.get(i % 2);
                List<Callback> group = groups.get(i);
                written.add(threads.submit(() -> one.recordGroup(group)));
            }
            int fresh = 0;
            for (Future<List<RecordResult>> results : written) {
                for (RecordResult result : results.get()) {
                    fresh += result == DUPLICATE ? 0 : 1;
                }
            }
            assertThat(fresh).as("stored once, however often it arrived").isEqualTo(all.size());
        } finally {
            threads.shutdown();
            if (!database.isH2()) {
                another.close();
            }
        }

        assertThat(deadlocks()).isEqualTo(deadlocks);
        assertThat(number("SELECT COUNT(*) FROM callback WHERE task_id LIKE ?", run + "-%"))
                .isEqualTo(all.size());
        assertThat(number("SELECT COUNT(*) FROM result WHERE task_id LIKE ?", run + "-%"))
                .isEqualTo(400);
        assertThat(number("SELECT COUNT(*) FROM alert WHERE kind = 'unknown' AND task_id LIKE ?", run + "-%"))
                .as("one alert for each unknown status")
                .isEqualTo(20);
        for (Map.Entry<String, String> task : last.entrySet()) {
            assertThat(value(task.getKey(), "status")).isEqualTo(task.getValue());
            assertThat(alerts(task.getKey())).contains("failed in revision " + value(task.getKey(), "revision"));
        }
    }

    // ---- helpers ----

    private static RecordResult record(Callback callback) throws Exception {
        return store.recordGroup(List.of(callback)).get(0);
    }

    private static String newId() {
        return UUID.randomUUID().toString();
    }

    private static long deadlocks() throws SQLException {
        return database.isH2()
                ? 0
                : number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database() AND ? <> ''", "x");
    }

    private static Object value(String id, String column) throws SQLException {
        Object value =
                query("SELECT " + column + " FROM task WHERE task_id = ?", id).get(0);
        return value instanceof OffsetDateTime time ? time.toInstant() : value;
    }

    private static List<Object> alerts(String id) throws SQLException {
        return query(
                "SELECT kind || ' in revision ' || revision FROM alert WHERE kind <> 'unknown' AND task_id = ?", id);
    }

    private static long rows(String table, String id) throws SQLException {
        return number("SELECT COUNT(*) FROM " + table + " WHERE task_id = ?", id);
    }

    private static long number(String sql, String parameter) throws SQLException {
        return ((Number) query(sql, parameter).get(0)).longValue();
    }

    private static List<Object> query(String sql, String parameter) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, parameter);
            List<Object> values = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    Object value = row.getObject(1);
                    values.add(value instanceof java.sql.Timestamp time ? time.toInstant() : value);
                }
            }
            return values;
        }
    }
}
