package dev.callboard.alert;

import java.time.Duration;

/** How long to wait before a mail is attempted again: 5 seconds, doubling with each attempt up to an hour. */
final class RetryBackoff {
    static final Duration FIRST = Duration.ofSeconds(5);
    static final Duration MAX = Duration.ofHours(1);

    private RetryBackoff() {}

    /**
     * @param attempts how often the mail has been attempted, at least 1
     * @param random from 0 to 1; it shortens the wait by up to a quarter, so that mails that failed together are not
     *     attempted together again
     */
    static Duration delay(int attempts, double random) {
        // The shift is bounded, or it would overflow.
        long doubled = FIRST.toMillis() << Math.min(attempts - 1, 20);
        return Duration.ofMillis((long) (Math.min(MAX.toMillis(), doubled) * (0.75 + 0.25 * random)));
    }
}
