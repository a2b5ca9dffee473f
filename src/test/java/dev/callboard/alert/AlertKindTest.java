package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.alert.AlertKind.Dedup;
import dev.callboard.task.Outcome;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.TestCallboard;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The kinds of alerts, and that the recording of callbacks follows the same rules. */
final class AlertKindTest {
    private static final Instant EVENING = Instant.parse("2026-07-01T23:59:59Z");

    @Test
    void followsTheRulesOfADeclaredKindUnlessItIsBuiltIn() {
        assertThat(AlertKind.of("no_result")).isSameAs(AlertKind.NO_RESULT);
        assertThat(AlertKind.codes())
                .hasSize(12)
                .allSatisfy(code -> assertThat(AlertKind.of(code).section()).isEqualTo(code));
        AlertKind declared = AlertKind.of("image_ready");
        assertThat(declared.code()).isEqualTo("image_ready");
        assertThat(declared.phrase()).isEqualTo("image ready");
        assertThat(declared.section()).isEqualTo("other");
        assertThat(declared.isRaisedByStaleCallback()).isFalse();
        assertThat(declared.dedupKey("fotor", EVENING)).isEmpty();
    }

    @Test
    void isRaisedOnceADayOrHourDependingOnTheKind() {
        assertThat(AlertKind.REFUSED.dedupKey("fotor", EVENING)).contains("refused fotor 2026-07-01");
        assertThat(AlertKind.REFUSED.dedupKey("fotor", EVENING.plusSeconds(1))).contains("refused fotor 2026-07-02");
        assertThat(AlertKind.MALFORMED.dedupKey("fotor", EVENING)).contains("malformed fotor 2026-07-01 23");
        assertThat(AlertKind.UNDELIVERED.dedupKey("a@b.test", EVENING)).contains("undelivered a@b.test 2026-07-01");
        assertThat(AlertKind.FAILED.dedupKey("fotor", EVENING)).isEmpty();
    }

    @Test
    void isRecordedByTheSameRules() {
        List<AlertKind> ofCallbacks = List.of(
                AlertKind.FAILED, AlertKind.NO_RESULT, AlertKind.INCOMPLETE, AlertKind.FLAGGED, AlertKind.UNKNOWN);
        try (TestCallboard callboard = TestCallboard.start(Backend.H2)) {
            List<String> raisedByStale = new ArrayList<>();
            List<String> onceADay = new ArrayList<>();
            for (AlertKind kind : ofCallbacks) {
                String task = "task-" + kind;
                Failures.record(
                        callboard,
                        List.of(
                                Failures.callback(callboard, "fotor", task, Outcome.COMPLETED, null, null, Map.of()),
                                Failures.callback(
                                        callboard, "fotor", task, Outcome.IN_PROGRESS, kind.code(), null, Map.of())));
                for (Map<String, Object> alert : callboard.alerts(task)) {
                    raisedByStale.add(kind.code());
                    if (alert.get("dedup_key") != null) {
                        onceADay.add(kind.code());
                    }
                }
            }
            assertThat(raisedByStale)
                    .containsExactlyElementsOf(ofCallbacks.stream()
                            .filter(AlertKind::isRaisedByStaleCallback)
                            .map(AlertKind::code)
                            .toList());
            assertThat(onceADay)
                    .containsExactlyElementsOf(ofCallbacks.stream()
                            .filter(kind -> kind.dedup() == Dedup.DAY)
                            .map(AlertKind::code)
                            .toList());
        }
    }
}
