package dev.callboard.provider;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * When a task that is open is looked up again, and for how long a provider is left alone after a failure. Functions of
 * their arguments alone.
 */
final class LookupSchedule {
    /** The longest time between two look-ups of a task, unless the settings ask for a longer one. */
    static final Duration MAX_INTERVAL = Duration.ofHours(1);

    /** How long a provider is left alone after one failure; it doubles with each further one. */
    static final Duration FIRST_PAUSE = Duration.ofSeconds(1);

    /** Short, since one task that the provider fails to answer about must not keep the others waiting. */
    static final Duration MAX_PAUSE = Duration.ofSeconds(30);

    private LookupSchedule() {}

    /**
     * The next look-up of a task; empty if it is given up.
     *
     * @param lookups how often it has been looked up since the provider was heard last, the one just now included
     * @param after {@code callboard.<provider>.lookup-after}, the first interval, which doubles with each look-up
     * @param openedAt since when the task is open
     * @param giveUpAfter {@code callboard.<provider>.give-up-after}, counted from {@code openedAt}
     */
    static Optional<Instant> next(int lookups, Instant now, Duration after, Instant openedAt, Duration giveUpAfter) {
        Instant end = openedAt.plus(giveUpAfter);
        if (!now.isBefore(end)) {
            return Optional.empty();
        }
        Duration longest = after.compareTo(MAX_INTERVAL) > 0 ? after : MAX_INTERVAL;
        Instant next = now.plus(doubled(after, lookups, longest));
        // The last one is at the end, so that a task that ends late is still found.
        return Optional.of(next.isAfter(end) ? end : next);
    }

    /** How long a provider is left alone after failures in a row, at least one. */
    static Duration pause(int failures) {
        return doubled(FIRST_PAUSE, failures - 1, MAX_PAUSE);
    }

    private static Duration doubled(Duration first, int times, Duration longest) {
        // The shift is bounded, or it would overflow.
        Duration doubled = first.multipliedBy(1L << Math.min(times, 20));
        return doubled.compareTo(longest) > 0 ? longest : doubled;
    }
}
