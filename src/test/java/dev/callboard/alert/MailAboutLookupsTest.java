package dev.callboard.alert;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import dev.callboard.task.Callback;
import dev.callboard.task.Origin;
import dev.callboard.task.Outcome;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The mails about what look-ups find: overdue tasks, missing callbacks, and a rejected API key. */
@Timeout(value = 90, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ParameterizedClass
@EnumSource(Backend.class)
final class MailAboutLookupsTest {
    private final SettableClock clock = new SettableClock();
    private final GreenMail server;
    private final TestCallboard callboard;

    MailAboutLookupsTest(Backend backend) throws IOException {
        int port = TestCallboard.freePort();
        this.server = new GreenMail(new ServerSetup(port, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
        server.start();
        this.callboard = TestCallboard.start(
                backend,
                Map.of(
                        "callboard.mail.host", "127.0.0.1",
                        "callboard.mail.port", String.valueOf(port),
                        "callboard.mail.security", "none",
                        "callboard.alerts.to", "ops@x.example",
                        "callboard.alerts.from", "callboard@x.example",
                        "callboard.alerts.interval", "10m",
                        "callboard.alerts.kind.refused.to", "none"),
                clock);
    }

    @AfterEach
    void stop() {
        callboard.close();
        server.stop();
    }

    private void record(String taskId, Outcome outcome) {
        Failures.record(callboard, List.of(callback(taskId, outcome)));
    }

    private Callback callback(String taskId, Outcome outcome) {
        return Failures.callback(callboard, "fotor", taskId, outcome, null, null, Map.of());
    }

    /** The provider is asked about a task that is in progress, and answers that it is completed. */
    private void find(String taskId) {
        record(taskId, Outcome.IN_PROGRESS);
        clock.advance(Duration.ofSeconds(1));
        Callback answer = callback(taskId, Outcome.COMPLETED);
        Failures.record(
                callboard,
                List.of(new Callback(
                        answer.id(),
                        answer.provider(),
                        answer.taskId(),
                        answer.status(),
                        answer.outcome(),
                        answer.alerts(),
                        answer.taskType(),
                        answer.family(),
                        answer.businessId(),
                        answer.sourceTaskId(),
                        answer.regenType(),
                        answer.failureReason(),
                        answer.details(),
                        answer.occurredAt(),
                        answer.results(),
                        answer.payload(),
                        answer.digest(),
                        null,
                        Origin.LOOKUP,
                        answer.receivedAt(),
                        answer.recordedAt())));
    }

    /** Stores an alert as the reconciliation does it. */
    private void raise(String kind, String taskId, String detail) {
        Failures.update(
                callboard,
                "INSERT INTO alert (alert_id, kind, provider, task_id, revision, detail, created_at) VALUES (CAST('"
                        + UUID.randomUUID() + "' AS UUID), '" + kind + "', 'fotor', "
                        + (taskId == null ? "NULL, NULL" : "'" + taskId + "', 0") + ", '" + detail
                        + "', TIMESTAMP WITH TIME ZONE '" + clock.instant().atOffset(ZoneOffset.UTC) + "')");
    }

    /** The n-th mail, once there are n and each is marked as sent. */
    private MimeMessage mail(int n) {
        soon().until(() -> server.getReceivedMessages().length == n
                && callboard
                        .rows("SELECT 1 FROM mail WHERE sent_at IS NULL AND state <> 'suppressed'")
                        .isEmpty());
        return server.getReceivedMessages()[n - 1];
    }

    /** Without waiting for the route. */
    private void assertNothingIsDue() throws Exception {
        CamelContext camel = callboard.callboard().camel();
        assertThat(camel.getRegistry()
                        .lookupByNameAndType("outbox", Outbox.class)
                        .lease(camel))
                .isNull();
    }

    @Test
    void listsOverdueTasksWithWhatTheProviderAnswers() {
        record("late-0", Outcome.IN_PROGRESS);
        clock.advance(Duration.ofHours(1));
        raise("overdue", "late-0", "the provider does not know this task (HTTP 404)");
        MimeMessage first = mail(1);
        assertThat(TestMails.subject(first))
                .isEqualTo("Fotor: task overdue, the provider does not know this task (HTTP 404) (late-0, video)");
        assertThat(TestMails.text(first))
                .startsWith(
                        "Fotor has not reported the result of a task in time.\n\nWhat to do: Read what Fotor answers")
                .contains("Task:      late-0\nStatus:    in_progress\nType:      video\nOpen:      since 20")
                .contains("Answer:    the provider does not know this task (HTTP 404)\n")
                .doesNotContain("Since the last mail", "last change");

        clock.advance(Duration.ofMinutes(1));
        record("late-0", Outcome.COMPLETED);
        for (int i = 1; i <= 200; i++) {
            record("late-" + i, Outcome.IN_PROGRESS);
            raise(
                    "overdue",
                    "late-" + i,
                    i % 4 == 0
                            ? "no API key is set (callboard.fotor.api-key), so the provider was not asked"
                            : "the provider answers: in progress");
        }
        record("late-7", Outcome.COMPLETED);
        clock.advance(Duration.ofMinutes(10));
        MimeMessage digest = mail(2);
        assertThat(TestMails.subject(digest))
                .isEqualTo("Fotor: 200 tasks overdue, 1 completed since; mostly: the provider answers: in progress");
        assertThat(TestMails.text(digest))
                .startsWith(
                        "Fotor has not reported the results of 200 tasks in time; 1 of them have completed since.\n")
                .contains(
                        """

                        Answers:
                          150 x the provider answers: in progress
                          50 x no API key is set (callboard.fotor.api-key), so the provider was not asked

                        Since the last mail, 1 of the tasks in it has completed: late-0

                        """)
                .contains("And 150 more that are not listed here");
    }

    @Test
    void saysOfALaterFailureWhichOfTheFailedTasksHaveCompleted() {
        Failures.record(callboard, "fotor", 0, 12, i -> "busy");
        mail(1);
        clock.advance(Duration.ofMinutes(1));
        for (int i = 0; i < 12; i++) {
            if (i != 5) {
                record("task-" + i, Outcome.COMPLETED);
            }
        }
        clock.advance(Duration.ofHours(1));
        Failures.record(callboard, "fotor", 20, 21, i -> "busy");
        assertThat(TestMails.text(mail(2)))
                .contains("\n\nSince the last mail, 11 of the tasks in it have completed:"
                        + " task-0, task-1, task-10, task-11, task-2, task-3, task-4, task-6, task-7, task-8 and 1 more\n\n"
                        + "Task:      task-20\n");
        clock.advance(Duration.ofHours(1));
        Failures.record(callboard, "fotor", 21, 22, i -> "busy");
        assertThat(TestMails.text(mail(3))).doesNotContain("Since the last mail");
    }

    @Test
    void mailsMissingCallbacksOnceADay() throws Exception {
        assertThat(callboard
                        .post("fotor", "{}", "X-Forwarded-For", "203.0.113.9")
                        .statusCode())
                .isEqualTo(403);
        find("found-1");
        find("found-2");
        find("found-3");
        clock.advance(Duration.ofSeconds(1));
        record("found-2", Outcome.COMPLETED);
        record("found-3", Outcome.IN_PROGRESS);
        assertNothingIsDue();
        clock.advance(Duration.ofMinutes(10));
        MimeMessage first = mail(1);
        assertThat(TestMails.subject(first)).isEqualTo("Fotor: callbacks missing, look-ups found 3 tasks finished");
        assertThat(TestMails.text(first))
                .startsWith("Look-ups found 3 finished tasks of Fotor that no callback had announced;"
                        + " the callbacks of 1 of them came late.\n")
                .contains("  1 x 403 at Fotor's callback URL (caller rejected)\n  0 x 503 on the public port")
                .contains("Task:      found-1\nStatus:    completed\n", "(when the look-up found it)");
        assertThat(Stream.of(1, 2, 3))
                .allSatisfy(i -> assertThat(TestMails.text(first)).contains("found-" + i));

        find("found-4");
        clock.advance(Duration.ofDays(1).minusSeconds(2));
        assertNothingIsDue();
        callboard.run("count-alerts");
        assertThat(callboard.manage("/observe/metrics").body()).contains("callboard_alerts_pending 0.0");
        clock.advance(Duration.ofSeconds(1));
        assertThat(TestMails.subject(mail(2)))
                .isEqualTo("Fotor: callback missing, a look-up found the task finished (found-4, video)");
    }

    @Test
    void mailsThatAnApiKeyWasRejected() {
        raise("lookup_refused", null, "Fotor answered 401: <b>invalid</b> key");
        MimeMessage mail = mail(1);
        assertThat(TestMails.subject(mail)).isEqualTo("Fotor: API key rejected, look-ups have stopped");
        assertThat(TestMails.text(mail))
                .startsWith("Fotor rejected the API key, so Callboard has stopped looking up its tasks.\n")
                .contains("callboard.fotor.api-key", "  Fotor answered 401: <b>invalid</b> key\n")
                .doesNotContain("Task:");
        assertThat(TestMails.html(mail)).contains("&lt;b&gt;invalid");
    }
}
