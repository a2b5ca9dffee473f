package dev.callboard.provider;

import java.time.Duration;

/**
 * Spaces the requests to one provider evenly, so that no second has more than its number. Safe for use by any number of
 * threads.
 */
final class RequestRate {
    private final long interval;
    private long next;
    private boolean used;

    /** @param perSecond how many requests a second may have, at least 1 */
    RequestRate(int perSecond) {
        this.interval = Duration.ofSeconds(1).toNanos() / perSecond;
    }

    /**
     * Reserves the next request.
     *
     * @param now {@link System#nanoTime()}
     * @return how long to wait before it is sent
     */
    synchronized Duration reserve(long now) {
        long at = used && next - now > 0 ? next : now;
        used = true;
        next = at + interval;
        return Duration.ofNanos(at - now);
    }
}
