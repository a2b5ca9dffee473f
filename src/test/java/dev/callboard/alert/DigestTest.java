package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.task.Callback;
import dev.callboard.task.Outcome;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.internet.MimeMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.camel.ProducerTemplate;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Many failures at once: few mails, and nothing lost. */
@Timeout(value = 90, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ParameterizedClass
@EnumSource(Backend.class)
record DigestTest(Backend backend) {
    private static ConditionFactory soon() {
        return Awaitility.await().pollInterval(Duration.ofMillis(50)).atMost(Duration.ofSeconds(40));
    }

    private static long open(TestCallboard callboard) {
        return ((Number) callboard
                        .rows("SELECT COUNT(*) AS n FROM alert WHERE sent_at IS NULL")
                        .get(0)
                        .get("n"))
                .longValue();
    }

    private static List<Map<String, Object>> mails(TestCallboard callboard) {
        return callboard.rows("SELECT mail.*, (SELECT COUNT(*) FROM alert WHERE alert.mail_id = mail.mail_id) AS alerts"
                + " FROM mail ORDER BY nth");
    }

    @Test
    void addsNothingToAMailThatAnotherNodeHasSentMeanwhile() throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend, Map.of("callboard.alerts.interval", "1h"));
                ProducerTemplate node = callboard.callboard().camel().createProducerTemplate()) {
            Failures.record(callboard, "fotor", 0, 1, i -> null);
            soon().until(() -> open(callboard) == 0);
            Object gatheredAt = mails(callboard).get(0).get("gathered_at");
            Map<String, Object> mail = new HashMap<>(mails(callboard).get(0));
            mail.put("gathered_at", null);
            Failures.record(callboard, "fotor", 1, 2, i -> null);
            var paused = node.send("direct:gather-alerts", made -> {
                made.setVariable("mail", mail);
                made.setVariable("claim", UUID.randomUUID());
            });
            assertThat(paused.getException()).isNull();
            assertThat(callboard.rows("SELECT mail_id FROM alert WHERE sent_at IS NULL"))
                    .extracting(row -> row.get("mail_id"))
                    .containsOnlyNulls();
            assertThat(mails(callboard).get(0)).containsEntry("gathered_at", gatheredAt);
        }
    }

    @Test
    void tellsOfTenThousandFailuresInTwoMails() throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend, Map.of("callboard.alerts.interval", "1h"))) {
            Failures.record(callboard, "fotor", 0, 1, i -> null);
            soon().until(() -> callboard.mails().size() == 1);
            for (int from = 1; from < 10_000; from += 500) {
                Failures.record(
                        callboard,
                        "fotor",
                        from,
                        Math.min(10_000, from + 500),
                        i -> i % 10 == 0 ? "credits are used up" : i % 2 == 0 ? null : "reason " + i);
            }
            // Two that fail are ordered again and work.
            Failures.record(
                    callboard,
                    List.of(
                            Failures.callback("fotor", "task-9999", Outcome.COMPLETED, null, null, Map.of()),
                            Failures.callback("fotor", "task-17", Outcome.COMPLETED, null, null, Map.of())));
            // All wait for the next mail, which is not due.
            soon().until(() -> callboard
                    .rows("SELECT 1 FROM alert WHERE sent_at IS NULL AND next_attempt_at <= CURRENT_TIMESTAMP")
                    .isEmpty());
            assertThat(callboard.mails()).hasSize(1);

            anHourPasses(callboard);
            soon().until(() -> open(callboard) == 0);
            assertThat(mails(callboard)).extracting(mail -> mail.get("alerts")).containsExactly(1L, 9_999L);
            assertThat(mails(callboard))
                    .extracting(mail -> mail.get("distance_seconds"))
                    .containsExactly(3600, 3600);
            assertThat(callboard.mails()).hasSize(2);
            MimeMessage digest = callboard.mails().get(1);
            assertThat(digest.getSubject())
                    .isEqualTo("Fotor: 9,999 tasks failed, 2 completed since; mostly no reason given");
            assertThat(TestMails.text(digest))
                    .contains("Fotor says that 9,999 tasks have failed; 2 of them have completed since.")
                    .contains("  4,000 x no reason given\n")
                    .contains("  999 x credits are used up\n")
                    .contains("  4,992 x other reasons\n")
                    .contains("Task:      task-9999\nReason:    reason 9999\nNow:       completed")
                    .contains("And 9,949 more, which are not listed here");
            assertThat(TestMails.text(digest).lines().filter(line -> line.startsWith("Task: ")))
                    .hasSize(10);
            assertThat(TestMails.text(digest).lines().filter(line -> line.startsWith("  20")))
                    .hasSize(40);
            assertThat(digest.getSize()).isLessThan(100_000);
            String first = callboard.mails().get(0).getMessageID();
            assertThat(digest.getHeader("References")).containsExactly(first);
            assertThat(digest.getHeader("In-Reply-To")).containsExactly(first);

            // The storm is over: an hour without another.
            Failures.update(callboard, "UPDATE mail SET quiet_at = CURRENT_TIMESTAMP - INTERVAL '1' SECOND");
            Failures.record(callboard, "fotor", 20_000, 20_001, i -> "the last one");
            soon().until(() -> callboard.mails().size() == 3);
            assertThat(callboard.mails().get(2).getSubject())
                    .isEqualTo("Fotor: task failed, the last one (task-20000, video)");
            assertThat(callboard.mails().get(2).getHeader("References")[0]).contains(first, digest.getMessageID());
        }
    }

    /** The time of the next mail comes, for the mails and for what waits for it. */
    private static void anHourPasses(TestCallboard callboard) {
        Failures.update(callboard, "UPDATE mail SET next_mail_at = CURRENT_TIMESTAMP");
        Failures.update(
                callboard,
                "UPDATE alert SET next_attempt_at = (SELECT MAX(next_mail_at) FROM mail) WHERE next_attempt_at IS NOT NULL");
    }

    @Test
    void doublesTheDistanceWhileTheStormLastsAndIsImmediateWhenItIsOver() {
        try (TestCallboard callboard = TestCallboard.start(backend, Map.of("callboard.alerts.interval", "1s"))) {
            int task = 0;
            // Each mail is followed by a failure at once, so that the group is never quiet.
            for (int mail = 1; mail <= 3; mail++) {
                Failures.record(callboard, "fotor", task, ++task, i -> null);
                int expected = mail;
                soon().until(() -> mails(callboard).size() == expected && open(callboard) == 0);
            }
            assertThat(mails(callboard))
                    .extracting(mail -> mail.get("distance_seconds"))
                    .containsExactly(1, 2, 4);
            // One waits. Another that comes after an interval without any waits with it.
            Failures.record(callboard, "fotor", task, ++task, i -> null);
            soon().until(() -> isQuietAfter(callboard, 3));
            Failures.record(callboard, "fotor", task, ++task, i -> null);
            soon().until(() -> mails(callboard).size() == 4 && open(callboard) == 0);
            assertThat(mails(callboard).get(3))
                    .containsEntry("distance_seconds", 8)
                    .containsEntry("alerts", 2L);
            // None waits.
            soon().until(() -> isQuietAfter(callboard, 4));
            Failures.record(callboard, "fotor", task, ++task, i -> null);
            soon().until(() -> mails(callboard).size() == 5 && open(callboard) == 0);
            assertThat(mails(callboard).get(4)).containsEntry("distance_seconds", 1);
        }
    }

    private static boolean isQuietAfter(TestCallboard callboard, int nth) {
        return !callboard
                .rows("SELECT 1 FROM mail WHERE nth = ? AND quiet_at < CURRENT_TIMESTAMP", nth)
                .isEmpty();
    }

    @Test
    void gathersWhatIsFlaggedEvenAfterAQuietTime() {
        try (TestCallboard callboard = TestCallboard.start(
                backend,
                Map.of(
                        "callboard.alerts.interval", "2s",
                        "callboard.alerts.kind.flagged.to", "trust@localhost",
                        "callboard.alerts.kind.unknown.to", "none"))) {
            for (int i = 0; i < 3; i++) {
                Failures.record(
                        callboard,
                        List.of(
                                Failures.callback(
                                        "fotor", "flagged-" + i, Outcome.COMPLETED, "flagged", null, Map.of()),
                                Failures.callback("fotor", "odd-" + i, Outcome.UNKNOWN, "unknown", null, Map.of())));
                int told = i + 1;
                soon().until(() -> callboard
                                .rows(
                                        "SELECT 1 FROM alert WHERE kind = 'flagged' AND next_attempt_at > CURRENT_TIMESTAMP")
                                .size()
                        == told);
            }
            soon().until(() -> callboard
                    .rows("SELECT 1 FROM alert WHERE next_attempt_at IS NOT NULL")
                    .isEmpty());
            assertThat(callboard.mails()).singleElement().satisfies(mail -> {
                assertThat(mail.getSubject()).isEqualTo("Fotor: 3 tasks completed, but marked as harmful or sensitive");
                assertThat(mail.getHeader("To")).containsExactly("trust@localhost");
            });
            assertThat(callboard.rows(
                            "SELECT last_error FROM alert WHERE kind = 'unknown' AND set_aside_at IS NOT NULL"))
                    .singleElement()
                    .satisfies(alert -> assertThat(alert.get("last_error").toString())
                            .contains("callboard.alerts.kind.unknown.to"));
        }
    }

    @Test
    void sendsOneFirstMailFromSeveralNodes() {
        if (backend == Backend.H2) {
            // Its file can be held by one process only.
            return;
        }
        try (TestCallboard one = TestCallboard.start(backend)) {
            Map<String, String> same = Map.of(
                    "callboard.database.url", url(one),
                    "callboard.mail.directory", one.folder.resolve("data/mail").toString());
            try (TestCallboard other = TestCallboard.start(backend, same)) {
                // In one commit, so that both nodes go through them side by side.
                List<Callback> failures = new ArrayList<>();
                for (int i = 0; i < 90; i++) {
                    failures.add(Failures.callback(
                            "provider" + i / 3, "task-" + i, Outcome.FAILED, "failed", null, Map.of()));
                }
                Failures.record(one, failures);
                soon().until(() -> open(other) == 0);
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
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
