package dev.callboard.alert;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.task.Callback;
import dev.callboard.task.Outcome;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.internet.MimeMessage;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Many failures at once: few mails, and no failure is left out. */
@Timeout(value = 90, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ParameterizedClass
@EnumSource(Backend.class)
record DigestTest(Backend backend) {
    private static long unsent(TestCallboard callboard) {
        return callboard
                .rows("SELECT 1 FROM alert LEFT JOIN mail ON mail.mail_id = alert.mail_id WHERE mail.sent_at IS NULL")
                .size();
    }

    private static List<Map<String, Object>> mails(TestCallboard callboard) {
        return callboard.rows("SELECT mail.*, (SELECT COUNT(*) FROM alert WHERE alert.mail_id = mail.mail_id) AS alerts"
                + " FROM mail ORDER BY sequence");
    }

    /** Without waiting for the route: nothing is due. */
    private static void assertNothingIsDue(TestCallboard callboard) throws SQLException {
        CamelContext camel = callboard.callboard().camel();
        assertThat(camel.getRegistry()
                        .lookupByNameAndType("outbox", Outbox.class)
                        .lease(camel))
                .isNull();
    }

    @Test
    void sendsTenThousandFailuresInTwoMails() throws Exception {
        SettableClock clock = new SettableClock();
        try (TestCallboard callboard = TestCallboard.start(backend, Map.of("callboard.alerts.interval", "1h"), clock)) {
            Failures.record(callboard, "fotor", 0, 1, i -> null);
            soon().until(() -> callboard.mails().size() == 1);
            for (int from = 1; from < 9_999; from += 500) {
                clock.advance(Duration.ofMillis(1));
                Failures.record(
                        callboard,
                        "fotor",
                        from,
                        Math.min(9_999, from + 500),
                        i -> i % 10 == 0 ? "credits are used up" : i % 2 == 0 ? null : "reason " + i);
            }
            clock.advance(Duration.ofMillis(1));
            Failures.record(callboard, "fotor", 9_999, 10_000, i -> "reason " + i);
            // Two that fail are ordered again and work.
            Failures.record(
                    callboard,
                    List.of(
                            Failures.callback(callboard, "fotor", "task-9999", Outcome.COMPLETED, null, null, Map.of()),
                            Failures.callback(callboard, "fotor", "task-17", Outcome.COMPLETED, null, null, Map.of())));
            assertNothingIsDue(callboard);
            assertThat(callboard.mails()).hasSize(1);

            clock.advance(Duration.ofHours(1));
            soon().until(() -> unsent(callboard) == 0);
            assertThat(mails(callboard)).extracting(mail -> mail.get("alerts")).containsExactly(1L, 9_999L);
            assertThat(mails(callboard))
                    .extracting(mail -> mail.get("interval_seconds"))
                    .containsExactly(3600, 3600);
            assertThat(callboard.mails()).hasSize(2);
            MimeMessage digest = callboard.mails().get(1);
            assertThat(digest.getSubject())
                    .isEqualTo("Fotor: 9,999 tasks failed, 2 completed since; mostly: no reason given");
            assertThat(TestMails.text(digest))
                    .contains("Fotor could not finish 9,999 tasks; 2 of them have completed since.")
                    .contains("  4,000 x no reason given\n")
                    .contains("  999 x credits are used up\n")
                    .contains("  4,992 x other reasons\n")
                    .contains("Task:      task-9999\nReason:    reason 9999\nNow:       completed")
                    .contains("And 9,949 more that are not listed here");
            assertThat(TestMails.text(digest).lines().filter(line -> line.startsWith("Task: ")))
                    .hasSize(10);
            assertThat(TestMails.text(digest).lines().filter(line -> line.startsWith("  20")))
                    .hasSize(40);
            assertThat(digest.getSize()).isLessThan(100_000);
            String first = callboard.mails().get(0).getMessageID();
            assertThat(digest.getHeader("References")).containsExactly(first);
            assertThat(digest.getHeader("In-Reply-To")).containsExactly(first);

            // An hour without another failure.
            clock.advance(Duration.ofHours(1));
            Failures.record(callboard, "fotor", 20_000, 20_001, i -> "the last one");
            soon().until(() -> callboard.mails().size() == 3);
            assertThat(callboard.mails().get(2).getSubject())
                    .isEqualTo("Fotor: task failed, the last one (task-20000, video)");
            assertThat(callboard.mails().get(2).getHeader("References")[0]).contains(first, digest.getMessageID());
        }
    }

    @Test
    void doublesTheIntervalWhileFailuresFollowEachOtherAndMailsAtOnceAfterAQuietTime() throws Exception {
        SettableClock clock = new SettableClock();
        try (TestCallboard callboard = TestCallboard.start(backend, Map.of("callboard.alerts.interval", "1s"), clock)) {
            // Each mail is followed by a failure at once.
            Failures.record(callboard, "fotor", 0, 1, i -> null);
            soon().until(() -> mails(callboard).size() == 1 && unsent(callboard) == 0);
            for (int mail = 1; mail <= 2; mail++) {
                Failures.record(callboard, "fotor", mail, mail + 1, i -> null);
                clock.advance(Duration.ofSeconds(mail).minusMillis(1));
                assertNothingIsDue(callboard);
                clock.advance(Duration.ofMillis(1));
                int expected = mail + 1;
                soon().until(() -> mails(callboard).size() == expected && unsent(callboard) == 0);
            }
            assertThat(mails(callboard))
                    .extracting(mail -> mail.get("interval_seconds"))
                    .containsExactly(1, 2, 4);
            // One waits. Another that is raised more than an interval after the last mail waits with it.
            Failures.record(callboard, "fotor", 3, 4, i -> null);
            clock.advance(Duration.ofSeconds(2));
            Failures.record(callboard, "fotor", 4, 5, i -> null);
            assertNothingIsDue(callboard);
            clock.advance(Duration.ofSeconds(2));
            soon().until(() -> mails(callboard).size() == 4 && unsent(callboard) == 0);
            assertThat(mails(callboard).get(3))
                    .containsEntry("interval_seconds", 8)
                    .containsEntry("alerts", 2L);
            // None waits.
            clock.advance(Duration.ofSeconds(1));
            Failures.record(callboard, "fotor", 5, 6, i -> null);
            soon().until(() -> mails(callboard).size() == 5 && unsent(callboard) == 0);
            assertThat(mails(callboard).get(4)).containsEntry("interval_seconds", 1);
        }
    }

    @Test
    void gathersFlaggedTasksEvenAfterAQuietTime() throws Exception {
        SettableClock clock = new SettableClock();
        try (TestCallboard callboard = TestCallboard.start(
                backend,
                Map.of(
                        "callboard.alerts.interval", "2s",
                        "callboard.alerts.kind.flagged.to", "trust@localhost",
                        "callboard.alerts.kind.unknown.to", "none"),
                clock)) {
            for (int i = 0; i < 3; i++) {
                Failures.record(
                        callboard,
                        List.of(
                                Failures.callback(
                                        callboard,
                                        "fotor",
                                        "flagged-" + i,
                                        Outcome.COMPLETED,
                                        "flagged",
                                        null,
                                        Map.of()),
                                Failures.callback(
                                        callboard, "fotor", "odd-" + i, Outcome.UNKNOWN, "unknown", null, Map.of())));
                clock.advance(Duration.ofMillis(500));
            }
            assertNothingIsDue(callboard);
            assertThat(callboard.rows("SELECT 1 FROM alert WHERE kind = 'flagged' AND mail_id IS NULL"))
                    .hasSize(3);
            clock.advance(Duration.ofMillis(500));
            soon().until(() -> callboard.mails().size() == 1);
            assertNothingIsDue(callboard);
            assertThat(callboard.mails()).singleElement().satisfies(mail -> {
                assertThat(mail.getSubject())
                        .isEqualTo("Fotor: check before use, 3 tasks completed but marked as harmful or sensitive");
                assertThat(mail.getHeader("To")).containsExactly("trust@localhost");
            });
            // The kind that is switched off.
            assertThat(callboard.rows("SELECT state, last_error FROM mail WHERE kind = 'unknown'"))
                    .singleElement()
                    .satisfies(mail -> {
                        assertThat(mail).containsEntry("state", "suppressed");
                        assertThat(mail.get("last_error").toString()).contains("callboard.alerts.kind.unknown.to");
                    });
        }
    }

    @Test
    void sendsOneFirstMailFromSeveralNodes() {
        if (backend == Backend.H2) {
            // One process only can open its file.
            return;
        }
        try (TestCallboard one = TestCallboard.start(backend)) {
            Map<String, String> same = Map.of(
                    "callboard.database.url", url(one),
                    "callboard.mail.directory", one.folder.resolve("data/mail").toString());
            try (TestCallboard other = TestCallboard.start(backend, same)) {
                // In one commit, so that both nodes find them at the same time.
                List<Callback> failures = new ArrayList<>();
                for (int i = 0; i < 90; i++) {
                    failures.add(Failures.callback(
                            one, "provider" + i / 3, "task-" + i, Outcome.FAILED, "failed", null, Map.of()));
                }
                Failures.record(one, failures);
                soon().until(() -> unsent(other) == 0);
                assertThat(one.mails()).hasSize(30);
                assertThat(mails(one))
                        .hasSize(30)
                        .extracting(mail -> mail.get("alerts"))
                        .containsOnly(3L);
            }
        }
    }

    private static String url(TestCallboard callboard) {
        try (var connection = callboard.callboard().dataSource().getConnection()) {
            return connection.getMetaData().getURL().split("\\?", 2)[0];
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
