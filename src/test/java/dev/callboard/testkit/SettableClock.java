package dev.callboard.testkit;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;

/** A clock that stands still until a test advances it. Safe for any number of threads. */
public final class SettableClock extends Clock {
    private volatile Instant now;

    /** A clock that stands at the time of its creation. */
    public SettableClock() {
        this(Instant.now().truncatedTo(ChronoUnit.MICROS));
    }

    public SettableClock(Instant now) {
        this.now = now;
    }

    public void advance(Duration by) {
        now = now.plus(by);
    }

    @Override
    public Instant instant() {
        return now;
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException();
    }
}
