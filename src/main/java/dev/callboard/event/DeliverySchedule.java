package dev.callboard.event;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** When an event is attempted again, and when a receiver that takes nothing is tried again. Pure functions. */
final class DeliverySchedule {
    static final Duration FIRST = Duration.ofSeconds(5);
    static final Duration MAX = Duration.ofHours(1);
    static final Duration FIRST_PROBE = Duration.ofSeconds(1);
    static final Duration MAX_PROBE = Duration.ofMinutes(1);

    private DeliverySchedule() {}

    /**
     * When an event is attempted next: after 5 seconds, doubling with each attempt up to an hour. The last attempt is when
     * it is given up.
     *
     * @param attempts how often it has been attempted, at least 1
     * @param pendingSince since when it is attempted
     * @param random from 0 to 1; it shortens the wait by up to a quarter, so that events that failed together are not
     *     attempted together again
     * @return empty if it is given up now
     */
    static Optional<Instant> next(
            int attempts, Instant now, Instant pendingSince, Duration giveUpAfter, double random) {
        Instant end = pendingSince.plus(giveUpAfter);
        if (!now.isBefore(end)) {
            return Optional.empty();
        }
        Instant next = now.plusMillis((long) (doubled(FIRST, MAX, attempts).toMillis() * (0.75 + 0.25 * random)));
        return Optional.of(next.isBefore(end) ? next : end);
    }

    /**
     * How long to wait before a receiver that takes nothing gets one event again: a second, doubling up to a minute.
     *
     * @param probes how often that has failed, from 0
     */
    static Duration probe(int probes) {
        return doubled(FIRST_PROBE, MAX_PROBE, probes + 1);
    }

    private static Duration doubled(Duration first, Duration max, int times) {
        // The shift is bounded, or it would overflow.
        long millis = first.toMillis() << Math.min(Math.max(times, 1) - 1, 20);
        return Duration.ofMillis(Math.min(max.toMillis(), millis));
    }
}
