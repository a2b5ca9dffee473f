package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.event.DeliveryFailedException.Kind;
import dev.callboard.event.ReceiverState.Change;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** When the receiver gets events, and how many. */
final class ReceiverStateTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final int MAX = 64;

    private final ReceiverState state = new ReceiverState();

    private Change fail(String task, boolean isProbe, Kind kind, Instant now) {
        return state.fail(task, isProbe, new DeliveryFailedException(kind, "HTTP 500"), now);
    }

    private void goDown() {
        for (int i = 1; i < ReceiverState.MAX_FAILING_TASKS; i++) {
            assertThat(fail("t" + i, false, Kind.UNAVAILABLE, NOON)).isEqualTo(Change.NONE);
        }
        assertThat(fail("t0", false, Kind.UNAVAILABLE, NOON)).isEqualTo(Change.DOWN);
    }

    @Test
    void takesWhatThereIsRoomFor() {
        assertThat(state.room(NOON, 0, MAX)).isEqualTo(64);
        assertThat(state.room(NOON, 60, MAX)).isEqualTo(4);
        assertThat(state.room(NOON, 70, MAX)).isZero();
    }

    @Test
    void isNotDownForOneTaskOrForEventsThatItRejects() {
        for (int i = 0; i < 100; i++) {
            assertThat(fail("same", false, Kind.UNAVAILABLE, NOON)).isEqualTo(Change.NONE);
            assertThat(fail("t" + i, false, Kind.REJECTED, NOON)).isEqualTo(Change.NONE);
        }
        assertThat(state.isDown()).isFalse();
    }

    @Test
    void isNotDownIfSomeSucceed() {
        for (int i = 0; i < 100; i++) {
            fail("t" + i, false, Kind.UNAVAILABLE, NOON);
            if (i % 9 == 8) {
                assertThat(state.succeed()).isFalse();
            }
        }
        assertThat(state.isDown()).isFalse();
    }

    @Test
    void getsOneEventAtATimeWhileItIsDown() {
        goDown();
        assertThat(state.room(NOON, 0, MAX)).as("before the first probe").isZero();
        assertThat(state.permits(NOON, false)).isFalse();
        assertThat(state.permits(NOON, true)).isTrue();
        assertThat(state.room(NOON.plusSeconds(1), 5, MAX))
                .as("others are under way")
                .isZero();
        assertThat(state.room(NOON.plusSeconds(1), 0, MAX)).isEqualTo(1);

        assertThat(fail("p", true, Kind.UNAVAILABLE, NOON.plusSeconds(1))).isEqualTo(Change.NONE);
        assertThat(state.room(NOON.plusSeconds(2), 0, MAX)).isZero();
        assertThat(state.room(NOON.plusSeconds(3), 0, MAX)).isEqualTo(1);

        assertThat(state.succeed()).isTrue();
        assertThat(state.room(NOON.plusSeconds(3), 0, MAX)).isEqualTo(64);
    }

    @Test
    void waitsAsLongAsItAsks() {
        DeliveryFailedException failure =
                new DeliveryFailedException(Kind.THROTTLED, "HTTP 429", Optional.of(Duration.ofSeconds(30)));
        assertThat(state.fail("t", false, failure, NOON)).isEqualTo(Change.PAUSED);
        assertThat(state.fail("u", false, failure, NOON.plusSeconds(1))).isEqualTo(Change.NONE);
        assertThat(state.room(NOON.plusSeconds(30), 0, MAX)).isZero();
        assertThat(state.permits(NOON.plusSeconds(30), true)).isFalse();
        assertThat(state.room(NOON.plusSeconds(31), 0, MAX)).isEqualTo(64);
    }

    @Test
    void getsNothingMoreOnceItIsGone() {
        assertThat(fail("t", false, Kind.GONE, NOON)).isEqualTo(Change.GONE);
        assertThat(fail("u", false, Kind.GONE, NOON)).isEqualTo(Change.NONE);
        state.succeed();
        assertThat(state.room(NOON.plus(Duration.ofDays(9)), 0, MAX)).isZero();
        assertThat(state.permits(NOON, true)).isFalse();
        assertThat(state.fault(NOON)).contains("HTTP 500");
    }

    @Test
    void isAFaultAfterTenMinutesWithoutSuccess() {
        fail("t", false, Kind.UNAVAILABLE, NOON);
        fail("t", false, Kind.UNAVAILABLE, NOON.plusSeconds(500));
        assertThat(state.fault(NOON.plusSeconds(600))).isEmpty();
        assertThat(state.fault(NOON.plusSeconds(601))).contains("HTTP 500");
        state.succeed();
        assertThat(state.fault(NOON.plusSeconds(601))).isEmpty();
    }
}
