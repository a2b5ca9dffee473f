package dev.callboard.task;

import static dev.callboard.task.Outcome.COMPLETED;
import static dev.callboard.task.Outcome.FAILED;
import static dev.callboard.task.Outcome.IN_PROGRESS;
import static dev.callboard.task.Outcome.UNKNOWN;
import static dev.callboard.testkit.Callbacks.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.alert.AlertKind;
import dev.callboard.testkit.Callbacks;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The order rules: which callback is applied to its task, and which of the providers' times count. */
final class OrderTest {
    private int received;

    // ---- known and unknown ----

    @Test
    void appliesAKnownOutcomeToAnUnknownOneEvenIfItIsOlder() {
        assertApplied(callback(UNKNOWN, 50), callback(IN_PROGRESS, 10));
        assertApplied(callback(UNKNOWN, 50), callback(COMPLETED, null));
        assertApplied(callback(UNKNOWN, null), callback(FAILED, 10));
    }

    @Test
    void doesNotApplyAnUnknownOutcomeToAKnownOne() {
        assertStale(callback(IN_PROGRESS, 10), callback(UNKNOWN, 50));
        assertStale(callback(COMPLETED, 10), callback(UNKNOWN, null));
        assertStale(callback(FAILED, null), callback(UNKNOWN, 50));
    }

    @Test
    void appliesTheLaterOfTwoUnknownOutcomes() {
        assertApplied(callback(UNKNOWN, 10), callback(UNKNOWN, 20));
        assertStale(callback(UNKNOWN, 20), callback(UNKNOWN, 10));
        assertApplied(callback(UNKNOWN, null), callback(UNKNOWN, null));
    }

    // ---- both have the provider's time ----

    @Test
    void appliesTheLaterTimeWhicheverArrivesFirst() {
        for (Outcome one : List.of(IN_PROGRESS, COMPLETED, FAILED)) {
            for (Outcome other : List.of(IN_PROGRESS, COMPLETED, FAILED)) {
                assertApplied(callback(one, 10), callback(other, 20));
                assertStale(callback(one, 20), callback(other, 10));
            }
        }
    }

    @Test
    void appliesAFinishedOutcomeToInProgressAtEqualTimes() {
        assertApplied(callback(IN_PROGRESS, 10), callback(FAILED, 10));
        assertApplied(callback(IN_PROGRESS, 10), callback(COMPLETED, 10));
        assertStale(callback(FAILED, 10), callback(IN_PROGRESS, 10));
        assertStale(callback(COMPLETED, 10), callback(IN_PROGRESS, 10));
    }

    @Test
    void appliesTheOneReceivedLastAtEqualTimesOtherwise() {
        assertApplied(callback(COMPLETED, 10), callback(FAILED, 10));
        assertApplied(callback(FAILED, 10), callback(COMPLETED, 10));
        assertApplied(callback(IN_PROGRESS, 10), callback(IN_PROGRESS, 10));
    }

    // ---- one of them has no time ----

    @Test
    void doesNotApplyInProgressToAFinishedOutcomeWithoutATime() {
        for (Outcome finished : List.of(COMPLETED, FAILED)) {
            assertStale(callback(finished, null), callback(IN_PROGRESS, null));
            assertStale(callback(finished, 10), callback(IN_PROGRESS, null));
            assertStale(callback(finished, null), callback(IN_PROGRESS, 50));
        }
    }

    @Test
    void appliesTheOneReceivedLastWithoutATimeOtherwise() {
        assertApplied(callback(IN_PROGRESS, null), callback(COMPLETED, null));
        assertApplied(callback(IN_PROGRESS, 50), callback(FAILED, null));
        assertApplied(callback(COMPLETED, null), callback(FAILED, null));
        assertApplied(callback(FAILED, 50), callback(COMPLETED, null));
        assertApplied(callback(FAILED, null), callback(COMPLETED, 10));
        assertApplied(callback(IN_PROGRESS, null), callback(IN_PROGRESS, 10));
    }

    // ---- several callbacks: what the task stands on is the one applied last ----

    @Test
    void comparesWithTheCallbackAppliedLastEvenIfThatHasNoTime() {
        Callback image = callback("image_generating", IN_PROGRESS, 0);
        Callback video = callback("video_generated", COMPLETED, null);
        Callback late = callback("video_generating", IN_PROGRESS, 300);

        assertThat(after(List.of(image, video, late)).outcome()).isEqualTo(COMPLETED);
    }

    @Test
    void comparesWithTheTimeOfTheCallbackAppliedLastEvenIfAnEarlierOneHadALaterTime() {
        assertThat(after(List.of(
                                callback("first", FAILED, 30),
                                callback("second", COMPLETED, null),
                                callback("third", FAILED, 10),
                                callback("fourth", COMPLETED, 20)))
                        .status())
                .isEqualTo("fourth");
    }

    @Test
    void endsAtTheSameStatusInEveryOrderOfArrival() {
        List<Callback> callbacks = List.of(
                callback(IN_PROGRESS, 10),
                callback(COMPLETED, 20),
                callback(IN_PROGRESS, 30),
                callback(FAILED, 40),
                callback(UNKNOWN, 50));
        for (List<Callback> order : orders(callbacks)) {
            assertThat(after(order).status()).isEqualTo("failed 40");
        }
    }

    // ---- replayed ----

    @Test
    void appliesAReplayedCallbackThatWasReceivedLast() {
        Callback first = callback(COMPLETED, null);
        Callback second = callback(FAILED, null);
        assertApplied(first, Callbacks.replayed(second, 50));
        assertStale(second, Callbacks.replayed(first, 50));
    }

    @Test
    void comparesWhenReplayedCallbacksWereReceivedNotWhenTheyWereReplayed() {
        Callback failed = callback(FAILED, null);
        Callback completed = callback(COMPLETED, null);
        Callback unknown = callback(UNKNOWN, null);

        assertThat(after(List.of(unknown, Callbacks.replayed(failed, 50), Callbacks.replayed(completed, 51)))
                        .outcome())
                .isEqualTo(COMPLETED);
    }

    // ---- the state after a callback ----

    @Test
    void movesNoTimeOfOursBack() {
        Callback replayed = callback("2", FAILED);
        Callback unknown = callback("9", UNKNOWN);
        Callback behind = Callbacks.received(callback("1", COMPLETED), "{}", NOON.minusSeconds(60));
        Task before = Task.of(unknown);

        Task byReplay = before.apply(Callbacks.replayed(replayed, 50));
        assertThat(byReplay.lastCallbackAt()).isEqualTo(unknown.receivedAt());
        assertThat(byReplay.changedAt()).isEqualTo(NOON.plusSeconds(50));
        assertThat(byReplay.outcomeSince()).isEqualTo(NOON.plusSeconds(50));

        Task byAClockThatIsBehind = byReplay.apply(behind);
        assertThat(byAClockThatIsBehind.lastCallbackAt()).isEqualTo(unknown.receivedAt());
        assertThat(byAClockThatIsBehind.changedAt()).isEqualTo(NOON.plusSeconds(50));
        assertThat(byAClockThatIsBehind.outcomeSince()).isEqualTo(NOON.plusSeconds(50));
    }

    @Test
    void neverMovesTheProvidersTimeBackOrErasesIt() {
        assertThat(after(List.of(callback(COMPLETED, 20), callback(FAILED, null)))
                        .occurredAt())
                .isEqualTo(NOON.plusSeconds(20));
        assertThat(after(List.of(callback(UNKNOWN, 20), callback(COMPLETED, 10)))
                        .occurredAt())
                .isEqualTo(NOON.plusSeconds(20));
        assertThat(after(List.of(callback(FAILED, 20), callback(COMPLETED, 10))).occurredAt())
                .isEqualTo(NOON.plusSeconds(20));
    }

    @Test
    void doesNotCompareWithTheTimeOfAnUnknownStatus() {
        assertThat(after(List.of(callback(UNKNOWN, 50), callback(IN_PROGRESS, 10), callback(FAILED, 20)))
                        .outcome())
                .isEqualTo(FAILED);
    }

    @Test
    void countsAChangeOfStatusAsARevision() {
        assertThat(after(List.of(callback(FAILED, null))).revision()).isEqualTo(1);
        assertThat(after(List.of(callback("2", FAILED), callback("2", FAILED))).revision())
                .isEqualTo(1);
        assertThat(after(List.of(callback("2", FAILED), callback("1", COMPLETED), callback("2", FAILED)))
                        .revision())
                .isEqualTo(3);
        assertThat(after(List.of(callback("2", FAILED), callback("0", IN_PROGRESS)))
                        .revision())
                .isEqualTo(1);
    }

    @Test
    void datesAnOutcomeFromTheFirstCallbackThatHasIt() {
        Callback first = callback("initializing", IN_PROGRESS);
        Callback second = callback("video_generating", IN_PROGRESS);
        Callback third = callback("failed", FAILED);
        assertThat(after(List.of(first, second)).outcomeSince()).isEqualTo(first.receivedAt());
        assertThat(after(List.of(first, second)).changedAt()).isEqualTo(second.receivedAt());
        assertThat(after(List.of(first, second, third)).outcomeSince()).isEqualTo(third.receivedAt());
        assertThat(after(List.of(first, second, third)).firstReceivedAt()).isEqualTo(first.receivedAt());
    }

    @Test
    void keepsWhatACallbackOmits() {
        Task task = Task.of(recorded(Map.of("taskType", "avatar", "family", "f", "businessId", "b-1")));

        Task replaced = task.apply(recorded(Map.of("status", "2", "outcome", "failed", "failureReason", "too dark")));

        assertThat(replaced.taskType()).isEqualTo("avatar");
        assertThat(replaced.family()).isEqualTo("f");
        assertThat(replaced.businessId()).isEqualTo("b-1");
        assertThat(replaced.failureReason()).isEqualTo("too dark");
        assertThat(replaced.apply(recorded(Map.of())).failureReason()).isNull();
    }

    /** Fotor gives a reason only when it is asked, and its callback may come after that. */
    @Test
    void keepsTheReasonOfAFailureThatAnotherCallbackOmits() {
        Task task = Task.of(recorded(Map.of("status", "2", "outcome", "failed", "failureReason", "too dark")));

        Task replaced = task.apply(recorded(Map.of("status", "2", "outcome", "failed")));

        assertThat(replaced.failureReason()).isEqualTo("too dark");
    }

    // ---- which times count ----

    @Test
    void readsMillisecondsSince1970() {
        assertThat(time(1_732_588_143_312L)).isEqualTo("2024-11-26T02:29:03.312Z");
        assertThat(time(1_000_000_000_000L)).isEqualTo("2001-09-09T01:46:40Z");
        for (Object none : List.of(
                999_999_999_999L,
                1_732_588_143L,
                0L,
                -1L,
                Long.MIN_VALUE,
                Long.MAX_VALUE,
                5,
                1.732588143312e12,
                new BigInteger("99999999999999999999"),
                "1732588143312")) {
            assertThat(time(none)).as("%s", none).isNull();
        }
    }

    @Test
    void readsTheProvidersTimeToTheMicrosecond() {
        assertThat(time("2026-03-01T04:11:05.751592-07:00")).isEqualTo("2026-03-01T11:11:05.751592Z");
        assertThat(time("2026-03-01T11:11:05.7515929Z")).isEqualTo("2026-03-01T11:11:05.751592Z");
        assertThat(time(" 2026-03-01T11:11Z ")).isEqualTo("2026-03-01T11:11:00Z");
    }

    @Test
    void dropsATimeThatIsFarAheadOfOurClock() {
        assertThat(time("2026-03-01T12:10:00Z")).isEqualTo("2026-03-01T12:10:00Z");
        assertThat(time("2026-03-01T12:10:00.000001Z")).isNull();
        assertThat(time("9999-12-31T23:59:59Z")).isNull();
        assertThat(time("+999999999-12-31T23:59:59Z")).isNull();
    }

    @Test
    void dropsATimeThatCannotBeParsed() {
        for (Object unreadable : List.of(
                "",
                "yesterday",
                "2026-03-01",
                "2026-03-01T11:11:05",
                "2026-02-30T11:11:05Z",
                "2026-03-01T25:11:05Z",
                "1740826800",
                "-999999999-01-01T00:00:00Z",
                "0001-01-01T00:00:00Z",
                "x".repeat(1000),
                1740826800L,
                true,
                List.of("2026-03-01T11:11:05Z"),
                Map.of("time", "2026-03-01T11:11:05Z"))) {
            assertThat(time(unreadable)).as(unreadable.toString()).isNull();
        }
    }

    // ---- helpers ----

    private Callback callback(Outcome outcome, Integer occurredAt) {
        return Callbacks.callback("t", outcome.code() + " " + occurredAt, outcome, occurredAt, received++);
    }

    private Callback callback(String status, Outcome outcome) {
        return callback(status, outcome, null);
    }

    private Callback callback(String status, Outcome outcome, Integer occurredAt) {
        return Callbacks.callback("t", status, outcome, occurredAt, received++);
    }

    private static void assertApplied(Callback first, Callback second) {
        assertThat(Task.of(first).isReplacedBy(second))
                .as(second.status() + " after " + first.status())
                .isTrue();
    }

    private static void assertStale(Callback first, Callback second) {
        assertThat(Task.of(first).isReplacedBy(second))
                .as(second.status() + " after " + first.status())
                .isFalse();
    }

    private static Task after(List<Callback> callbacks) {
        Task task = Task.of(callbacks.get(0));
        for (Callback callback : callbacks.subList(1, callbacks.size())) {
            if (task.isReplacedBy(callback)) {
                task = task.apply(callback);
            }
        }
        return task;
    }

    private static List<List<Callback>> orders(List<Callback> callbacks) {
        if (callbacks.isEmpty()) {
            return List.of(List.of());
        }
        List<List<Callback>> orders = new ArrayList<>();
        for (Callback first : callbacks) {
            List<Callback> others = new ArrayList<>(callbacks);
            others.remove(first);
            for (List<Callback> order : orders(others)) {
                List<Callback> whole = new ArrayList<>(order);
                Collections.reverse(whole);
                whole.add(first);
                orders.add(whole);
            }
        }
        return orders;
    }

    private static Instant time(Object occurredAt) {
        return recorded(Map.of("occurredAt", occurredAt)).occurredAt();
    }

    /** What is recorded at noon if a route sets these variables beside the required ones. */
    private static Callback recorded(Map<String, Object> variables) {
        Map<String, Object> all = new HashMap<>(
                Map.of("provider", "fotor", "taskId", "t", "status", "1", "outcome", "completed", "payload", "{}"));
        all.putAll(variables);
        return new TaskRecorder(
                        null,
                        null,
                        null,
                        Set.copyOf(AlertKind.codes()),
                        Clock.fixed(NOON, ZoneOffset.UTC),
                        Runnable::run)
                .callback(all::get);
    }
}
