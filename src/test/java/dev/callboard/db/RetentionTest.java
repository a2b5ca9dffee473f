package dev.callboard.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.task.Callback;
import dev.callboard.task.Outcome;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Callbacks;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.WebhookReceiver;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Expired tasks are deleted with all their rows, and nothing else is deleted. */
@Timeout(120)
final class RetentionTest {
    private static final Duration RETENTION = Duration.ofDays(30);

    private final Instant start = Instant.now().truncatedTo(ChronoUnit.MICROS);

    /** The time at which the retention runs: everything recorded before the next day has expired. */
    private final Instant later = start.plus(RETENTION).plus(Duration.ofDays(1));

    @ParameterizedTest
    @EnumSource(Backend.class)
    void deletesExpiredTasksExceptThoseWithAnAlertThatIsNotSent(Backend backend) throws Exception {
        // So long that the second alert of a kind is in no mail during the test.
        try (TestCallboard callboard = TestCallboard.start(backend, Map.of("callboard.alerts.interval", "1h"))) {
            assertThat(callboard.post("fotor", failed("expired")).statusCode()).isEqualTo(200);
            callboard.post("fotor", "expired and malformed");
            callboard.post("fotor", "{\"taskId\":\"stale\",\"status\":1,\"resultUrl\":\"\"}");
            awaitSent(callboard, 3);
            assertThat(callboard.post("fotor", failed("not-sent")).statusCode()).isEqualTo(200);
            // The first callbacks of these are old, but a duplicate, a stale one and a new one have arrived since.
            record(callboard, "stale", Outcome.IN_PROGRESS, later);
            record(callboard, "changed", Outcome.IN_PROGRESS, start);
            record(callboard, "changed", Outcome.COMPLETED, later);
            record(callboard, "duplicate", Outcome.COMPLETED, start);
            record(callboard, "duplicate", Outcome.COMPLETED, later);
            record(callboard, "new", Outcome.COMPLETED, later);
            execute(
                    callboard,
                    "INSERT INTO quarantine (quarantine_id, provider, reason, payload, length, received_at)"
                            + " VALUES (CAST('11111111-2222-3333-4444-555555555555' AS UUID), 'fotor', 'for a test',"
                            + " 'new and malformed', 17, TIMESTAMP WITH TIME ZONE '" + later.atOffset(ZoneOffset.UTC)
                            + "')");

            retention(callboard, "30d", later).apply();

            assertThat(taskIds(callboard, "task")).containsExactly("changed", "duplicate", "new", "not-sent", "stale");
            assertThat(taskIds(callboard, "callback"))
                    .containsExactly("changed", "duplicate", "new", "not-sent", "stale");
            assertThat(taskIds(callboard, "result")).containsExactly("not-sent");
            assertThat(taskIds(callboard, "alert")).containsExactly("not-sent", "stale");
            assertThat(callboard.rows("SELECT kind FROM alert ORDER BY kind"))
                    .extracting(row -> row.get("kind"))
                    .containsExactly("failed", "no_result");
            assertThat(callboard.rows("SELECT payload FROM quarantine"))
                    .extracting(row -> row.get("payload"))
                    .containsExactly("new and malformed");
            assertThat(callboard.rows("SELECT kind FROM mail"))
                    .as("the mail whose alert is still there")
                    .extracting(row -> row.get("kind"))
                    .containsExactly("no_result");
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void deletesWhatIsSwitchedOffButNotWhatEveryRecipientRejected(Backend backend) throws Exception {
        Map<String, String> off = Map.of(
                "callboard.alerts.kind.failed.to", "none",
                "callboard.alerts.kind.malformed.to", "none");
        try (TestCallboard callboard = TestCallboard.start(backend, off)) {
            callboard.post("fotor", failed("switched-off"));
            callboard.post("fotor", "malformed");
            callboard.post("fotor", "{\"taskId\":\"rejected\",\"status\":1,\"resultUrl\":\"\"}");
            awaitSent(callboard, 1);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> callboard
                                    .rows("SELECT 1 FROM mail WHERE state = 'suppressed'")
                                    .size()
                            == 2);
            execute(
                    callboard,
                    "UPDATE mail SET state = 'bounced', failed_at = sent_at, sent_at = NULL WHERE kind = 'no_result'");

            retention(callboard, "30d", start.plus(RETENTION)).apply();
            assertThat(taskIds(callboard, "task")).containsExactly("rejected", "switched-off");
            assertThat(callboard.count("mail")).isEqualTo(3);

            retention(callboard, "30d", later).apply();
            assertThat(taskIds(callboard, "task")).containsExactly("rejected");
            assertThat(callboard.rows("SELECT kind FROM alert"))
                    .extracting(row -> row.get("kind"))
                    .containsExactly("no_result");
            assertThat(callboard.rows("SELECT kind FROM mail"))
                    .extracting(row -> row.get("kind"))
                    .containsExactly("no_result");

            // Nothing refers to it any more.
            execute(callboard, "DELETE FROM alert");
            retention(callboard, "30d", later).apply();
            assertThat(callboard.count("mail")).isZero();
            assertThat(callboard.count("mail_recipient")).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void keepsWhatNeitherChannelHasDelivered(Backend backend) throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = TestCallboard.start(backend, chat.settings("json"))) {
            chat.answer(WebhookReceiver.status(404, ""));
            callboard.post("fotor", failed("rejected"));
            // Another mail tells that the chat has rejected it.
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> callboard
                                    .rows(
                                            "SELECT 1 FROM mail WHERE kind = 'failed' AND (state = 'sent' AND channel = 'mail'"
                                                    + " OR state = 'bounced' AND channel = 'webhook')")
                                    .size()
                            == 2);
            // As if the addresses had been removed before a mail was sent.
            execute(
                    callboard,
                    "UPDATE mail SET state = 'suppressed', failed_at = sent_at, sent_at = NULL"
                            + " WHERE channel = 'mail' AND kind = 'failed'");
            retention(callboard, "30d", later).apply();
            assertThat(taskIds(callboard, "task")).containsExactly("rejected");
            assertThat(taskIds(callboard, "alert")).containsExactly("rejected");

            execute(callboard, "UPDATE mail SET sent_at = failed_at WHERE channel = 'mail' AND kind = 'failed'");
            retention(callboard, "30d", later).apply();
            assertThat(taskIds(callboard, "task")).isEmpty();
            assertThat(callboard.rows("SELECT 1 FROM mail WHERE kind = 'failed'"))
                    .as("with its copy")
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void deletesNothingBeforeItExpires(Backend backend) throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend)) {
            callboard.post("fotor", failed("a-task"));
            callboard.post("fotor", "malformed");
            awaitSent(callboard, 2);
            Map<String, Object> stored = callboard.kept();

            retention(callboard, "30d", start.plus(RETENTION)).apply();
            retention(callboard, "", start.plus(Duration.ofDays(10_000))).apply();

            assertThat(callboard.kept()).isEqualTo(stored);
            assertThat(callboard.count("alert")).isEqualTo(2);
            assertThat(callboard.count("mail")).isEqualTo(2);
            assertThat(callboard.count("quarantine")).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void deletesMoreTasksThanOneStepTakes(Backend backend) throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend)) {
            recordCompleted(callboard, Retention.MAX_TASKS_A_STEP + 1);

            retention(callboard, "30d", later).apply();

            assertThat(callboard.count("task")).isZero();
            assertThat(callboard.count("callback")).isZero();
        }
    }

    /** A callback that is just being recorded renews its task, though no other transaction can see that yet. */
    @ParameterizedTest
    @EnumSource(Backend.class)
    void leavesATaskThatAnotherTransactionHasLocked(Backend backend) throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend)) {
            recordCompleted(callboard, 2);
            try (Connection other = callboard.callboard().dataSource().getConnection();
                    Statement statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("UPDATE task SET last_callback_at = TIMESTAMP WITH TIME ZONE '"
                        + later.atOffset(ZoneOffset.UTC) + "' WHERE task_id = 'task-0'");

                retention(callboard, "30d", later).apply();

                assertThat(taskIds(callboard, "task")).containsExactly("task-0");
                other.commit();
            }
            retention(callboard, "30d", later).apply();
            assertThat(taskIds(callboard, "task")).containsExactly("task-0");
        }
    }

    /** No foreign key holds the rows of a task together. */
    @ParameterizedTest
    @EnumSource(Backend.class)
    void leavesNoRowWithoutItsTaskWhileCallbacksAreRecorded(Backend backend) throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend)) {
            Retention retention = retention(callboard, "30d", later);
            AtomicBoolean done = new AtomicBoolean();
            ExecutorService threads = Executors.newFixedThreadPool(3);
            try {
                List<Future<?>> working = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    working.add(threads.submit(() -> {
                        while (!done.get()) {
                            recordWithResults(callboard, 4);
                        }
                    }));
                }
                working.add(threads.submit(() -> {
                    for (int i = 0; i < 200; i++) {
                        retention.apply();
                    }
                    done.set(true);
                    return null;
                }));
                for (Future<?> work : working) {
                    work.get();
                }
            } finally {
                done.set(true);
                threads.shutdown();
            }
            recordWithResults(callboard, 1);

            assertThat(taskIds(callboard, "task")).contains("task-0");
            for (String table : List.of("callback", "result")) {
                assertThat(callboard.rows("SELECT * FROM " + table + " WHERE NOT EXISTS (SELECT 1 FROM task WHERE"
                                + " task.provider = " + table + ".provider AND task.task_id = " + table + ".task_id)"))
                        .as("rows of no task in " + table)
                        .isEmpty();
            }
            assertThat(callboard.rows("SELECT * FROM task WHERE NOT EXISTS"
                            + " (SELECT 1 FROM callback WHERE callback_id = applied_callback_id)"))
                    .as("tasks without the callback that was applied to them")
                    .isEmpty();

            retention.apply();

            for (String table : List.of("task", "callback", "result")) {
                assertThat(callboard.count(table)).as(table).isZero();
            }
        }
    }

    private void recordWithResults(TestCallboard callboard, int tasks) {
        List<Callback> group = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            Callback callback = Callbacks.withResult(
                    Callbacks.callback("task-" + i, "1", Outcome.COMPLETED, null, 0), "https://x.example/" + i);
            group.add(Callbacks.received(callback, callback.payload(), start));
        }
        Failures.record(callboard, group);
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void recordsACallbackOfATaskThatIsBeingDeletedAfterAllItsRowsAreGone(Backend backend) throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend);
                Connection other = callboard.callboard().dataSource().getConnection();
                Statement statement = other.createStatement()) {
            recordWithResults(callboard, 1);
            ExecutorService threads = Executors.newFixedThreadPool(2);
            try {
                other.setAutoCommit(false);
                // The retention waits here, between the task and its callbacks.
                statement.execute("SELECT callback_id FROM callback FOR UPDATE");
                Future<?> deleting = threads.submit(() -> {
                    retention(callboard, "30d", later).apply();
                    return null;
                });
                Thread.sleep(300);
                Future<?> recording = threads.submit(() -> recordWithResults(callboard, 1));
                Thread.sleep(300);
                other.commit();
                deleting.get();
                recording.get();
            } finally {
                threads.shutdown();
            }
            for (String table : List.of("task", "callback", "result")) {
                assertThat(callboard.count(table)).as(table).isEqualTo(1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void raisesTheAlertsOfALaterTaskWithTheSameId(Backend backend) throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend)) {
            callboard.post("fotor", failed("again"));
            awaitSent(callboard, 1);
            retention(callboard, "30d", later).apply();

            callboard.post("fotor", failed("again"));

            awaitSent(callboard, 1);
            assertThat(callboard.alerts("again")).hasSize(1);
        }
    }

    @Test
    void isAppliedByARoute() {
        TestCallboard callboard = TestCallboard.start(Backend.H2, Map.of("callboard.retention", "30d"));
        try {
            record(callboard, "expired", Outcome.COMPLETED, start.minus(Duration.ofDays(31)));
            record(callboard, "new", Outcome.COMPLETED, start);
            callboard.run("apply-retention");
            assertThat(taskIds(callboard, "task")).containsExactly("new");
        } finally {
            callboard.close();
        }
    }

    @Test
    void doesNotStartWithARetentionThatIsNotANumberOfDays() {
        assertThatThrownBy(() -> settings("90"))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.retention: '90'");
    }

    private static Settings settings(String retention) {
        Properties properties = new Properties();
        properties.setProperty("callboard.retention", retention);
        return Settings.read(Path.of("no-file"), Map.of(), properties);
    }

    private static Retention retention(TestCallboard callboard, String setting, Instant now) {
        return new Retention(
                callboard.callboard().database(), settings(setting).retention(), Clock.fixed(now, ZoneOffset.UTC));
    }

    private static void awaitSent(TestCallboard callboard, int alerts) {
        await().atMost(Duration.ofSeconds(30))
                .until(() -> callboard
                                .rows("SELECT 1 FROM alert JOIN mail ON mail.mail_id = alert.mail_id"
                                        + " WHERE mail.sent_at IS NOT NULL")
                                .size()
                        == alerts);
    }

    private static List<Object> taskIds(TestCallboard callboard, String table) {
        return callboard
                .rows("SELECT DISTINCT task_id FROM " + table + " WHERE task_id IS NOT NULL ORDER BY task_id")
                .stream()
                .map(row -> row.get("task_id"))
                .toList();
    }

    /** A callback whose body depends on its outcome only. */
    private static void record(TestCallboard callboard, String taskId, Outcome outcome, Instant receivedAt) {
        Callback callback = Callbacks.callback(taskId, outcome.code(), outcome, null, 0);
        Failures.record(callboard, List.of(Callbacks.received(callback, outcome.code(), receivedAt)));
    }

    private void recordCompleted(TestCallboard callboard, int tasks) {
        List<Callback> group = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            group.add(Callbacks.received(
                    Callbacks.callback("task-" + i, "1", Outcome.COMPLETED, null, 0), "body " + i, start));
        }
        Failures.record(callboard, group);
    }

    private static String failed(String taskId) {
        return "{\"taskId\":\"" + taskId + "\",\"status\":2,\"type\":\"videoEnhancer\","
                + "\"resultUrl\":\"https://static.example.com/" + taskId + ".mp4\"}";
    }

    private static void execute(TestCallboard callboard, String... statements) throws SQLException {
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
