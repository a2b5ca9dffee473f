package dev.callboard.task;

import static dev.callboard.task.Outcome.COMPLETED;
import static dev.callboard.task.Outcome.FAILED;
import static dev.callboard.task.Outcome.IN_PROGRESS;
import static dev.callboard.task.Outcome.UNKNOWN;
import static dev.callboard.testkit.Callbacks.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Callbacks;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The rules by which a callback moves its task, and which of the providers' times are believed. */
final class OrderTest {
    private int received;

    // ---- known and unknown ----

    @Test
    void aKnownOutcomeReplacesAnUnknownOneEvenIfItIsOlder() {
        assertMoves(callback(UNKNOWN, 50), callback(IN_PROGRESS, 10));
        assertMoves(callback(UNKNOWN, 50), callback(COMPLETED, null));
        assertMoves(callback(UNKNOWN, null), callback(FAILED, 10));
    }

    @Test
    void anUnknownOutcomeNeverReplacesAKnownOne() {
        assertStays(callback(IN_PROGRESS, 10), callback(UNKNOWN, 50));
        assertStays(callback(COMPLETED, 10), callback(UNKNOWN, null));
        assertStays(callback(FAILED, null), callback(UNKNOWN, 50));
    }

    @Test
    void ofTwoUnknownOutcomesTheLaterWins() {
        assertMoves(callback(UNKNOWN, 10), callback(UNKNOWN, 20));
        assertStays(callback(UNKNOWN, 20), callback(UNKNOWN, 10));
        assertMoves(callback(UNKNOWN, null), callback(UNKNOWN, null));
    }

    // ---- both have the provider's time ----

    @Test
    void theLaterTimeWinsWhicheverArrivesFirst() {
        for (Outcome one : List.of(IN_PROGRESS, COMPLETED, FAILED)) {
            for (Outcome other : List.of(IN_PROGRESS, COMPLETED, FAILED)) {
                assertMoves(callback(one, 10), callback(other, 20));
                assertStays(callback(one, 20), callback(other, 10));
            }
        }
    }

    @Test
    void atEqualTimesAFinishedOutcomeBeatsInProgress() {
        assertMoves(callback(IN_PROGRESS, 10), callback(FAILED, 10));
        assertMoves(callback(IN_PROGRESS, 10), callback(COMPLETED, 10));
        assertStays(callback(FAILED, 10), callback(IN_PROGRESS, 10));
        assertStays(callback(COMPLETED, 10), callback(IN_PROGRESS, 10));
    }

    @Test
    void atEqualTimesTheOneReceivedLastWinsOtherwise() {
        assertMoves(callback(COMPLETED, 10), callback(FAILED, 10));
        assertMoves(callback(FAILED, 10), callback(COMPLETED, 10));
        assertMoves(callback(IN_PROGRESS, 10), callback(IN_PROGRESS, 10));
    }

    // ---- one of them has no time ----

    @Test
    void withoutATimeInProgressDoesNotUndoAResult() {
        for (Outcome finished : List.of(COMPLETED, FAILED)) {
            assertStays(callback(finished, null), callback(IN_PROGRESS, null));
            assertStays(callback(finished, 10), callback(IN_PROGRESS, null));
            assertStays(callback(finished, null), callback(IN_PROGRESS, 50));
        }
    }

    @Test
    void withoutATimeTheOneReceivedLastWinsOtherwise() {
        assertMoves(callback(IN_PROGRESS, null), callback(COMPLETED, null));
        assertMoves(callback(IN_PROGRESS, 50), callback(FAILED, null));
        assertMoves(callback(COMPLETED, null), callback(FAILED, null));
        assertMoves(callback(FAILED, 50), callback(COMPLETED, null));
        assertMoves(callback(FAILED, null), callback(COMPLETED, 10));
        assertMoves(callback(IN_PROGRESS, null), callback(IN_PROGRESS, 10));
    }

    @Test
    void everyOrderOfArrivalEndsAtTheSameStatus() {
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

    // ---- what the task keeps ----

    @Test
    void itsTimeNeverGoesBackOrBecomesEmpty() {
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
    void whatFollowsAnUnknownStatusIsNotHeldAgainstItsTime() {
        assertThat(after(List.of(callback(UNKNOWN, 50), callback(IN_PROGRESS, 10), callback(FAILED, 20)))
                        .outcome())
                .isEqualTo(FAILED);
    }

    @Test
    void aTurnIsAChangeOfStatus() {
        assertThat(after(List.of(callback(FAILED, null))).turn()).isEqualTo(1);
        assertThat(after(List.of(callback("2", FAILED), callback("2", FAILED))).turn())
                .isEqualTo(1);
        assertThat(after(List.of(callback("2", FAILED), callback("1", COMPLETED), callback("2", FAILED)))
                        .turn())
                .isEqualTo(3);
        assertThat(after(List.of(callback("2", FAILED), callback("0", IN_PROGRESS)))
                        .turn())
                .isEqualTo(1);
    }

    @Test
    void itsOutcomeIsAsOldAsTheFirstCallbackThatGaveIt() {
        Callback first = callback("initializing", IN_PROGRESS);
        Callback second = callback("video_generating", IN_PROGRESS);
        Callback third = callback("failed", FAILED);
        assertThat(after(List.of(first, second)).outcomeSince()).isEqualTo(first.receivedAt());
        assertThat(after(List.of(first, second)).changedAt()).isEqualTo(second.receivedAt());
        assertThat(after(List.of(first, second, third)).outcomeSince()).isEqualTo(third.receivedAt());
        assertThat(after(List.of(first, second, third)).firstReceivedAt()).isEqualTo(first.receivedAt());
    }

    @Test
    void whatACallbackDoesNotTellStaysAsItWas() {
        Task task = Task.startedBy(recorded(Map.of("taskType", "avatar", "businessId", "b-1")));

        Task moved = task.movedBy(recorded(Map.of("status", "2", "outcome", "failed", "failureReason", "too dark")));

        assertThat(moved.taskType()).isEqualTo("avatar");
        assertThat(moved.businessId()).isEqualTo("b-1");
        assertThat(moved.failureReason()).isEqualTo("too dark");
        assertThat(moved.movedBy(recorded(Map.of())).failureReason()).isNull();
    }

    // ---- which times are believed ----

    @Test
    void readsTheProvidersTimeToTheMicrosecond() {
        assertThat(time("2026-03-01T04:11:05.751592-07:00")).isEqualTo("2026-03-01T11:11:05.751592Z");
        assertThat(time("2026-03-01T11:11:05.7515929Z")).isEqualTo("2026-03-01T11:11:05.751592Z");
        assertThat(time(" 2026-03-01T11:11Z ")).isEqualTo("2026-03-01T11:11:00Z");
    }

    @Test
    void believesNoTimeThatIsFarAheadOfOurClock() {
        assertThat(time("2026-03-01T12:10:00Z")).isEqualTo("2026-03-01T12:10:00Z");
        assertThat(time("2026-03-01T12:10:00.000001Z")).isNull();
        assertThat(time("9999-12-31T23:59:59Z")).isNull();
        assertThat(time("+999999999-12-31T23:59:59Z")).isNull();
    }

    @Test
    void takesATimeThatCannotBeReadAsNone() {
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

    // ---- words ----

    private Callback callback(Outcome outcome, Integer occurredAt) {
        return Callbacks.callback("t", outcome.word() + " " + occurredAt, outcome, occurredAt, received++);
    }

    private Callback callback(String status, Outcome outcome) {
        return Callbacks.callback("t", status, outcome, null, received++);
    }

    private static void assertMoves(Callback first, Callback second) {
        assertThat(Task.startedBy(first).isMovedBy(second))
                .as(second.status() + " after " + first.status())
                .isTrue();
    }

    private static void assertStays(Callback first, Callback second) {
        assertThat(Task.startedBy(first).isMovedBy(second))
                .as(second.status() + " after " + first.status())
                .isFalse();
    }

    private static Task after(List<Callback> callbacks) {
        Task task = Task.startedBy(callbacks.get(0));
        for (Callback callback : callbacks.subList(1, callbacks.size())) {
            if (task.isMovedBy(callback)) {
                task = task.movedBy(callback);
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

    /** What is recorded at noon if a route sets these variables beside the ones it must. */
    private static Callback recorded(Map<String, Object> variables) {
        Map<String, Object> all = new HashMap<>(
                Map.of("provider", "fotor", "taskId", "t", "status", "1", "outcome", "completed", "payload", "{}"));
        all.putAll(variables);
        return new TaskRecorder(null, null, Clock.fixed(NOON, ZoneOffset.UTC)).callback(all::get);
    }
}
