package dev.callboard.security;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the log who was refused and why: at most one line a minute and place (an IPv4 address or a /64 of IPv6), and
 * for at most so many places a minute, so that strangers fill neither the log nor the memory. Safe for any number of
 * threads.
 */
final class RejectionLog {
    static final int MAX_PLACES = 1000;
    static final Duration PAUSE = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(RejectionLog.class);

    private final Clock clock;
    /** In the order of their last lines, the oldest first. */
    private final Map<String, Line> lines = new LinkedHashMap<>();

    private Instant crowdedUntil = Instant.MIN;

    RejectionLog(Clock clock) {
        this.clock = clock;
    }

    private static final class Line {
        private final Instant at;
        private long unsaid;

        Line(Instant at) {
            this.at = at;
        }
    }

    void note(String provider, String place, String why) {
        String line = line(place, "refused a caller of " + provider + ": " + why);
        if (!line.isEmpty()) {
            LOG.warn("{}", line);
        }
    }

    /** What the log is told: the message, with how many were left out since the last; or nothing. */
    private synchronized String line(String place, String message) {
        Instant now = clock.instant();
        Line last = lines.get(place);
        if (last != null && last.at.plus(PAUSE).isAfter(now)) {
            last.unsaid++;
            return "";
        }
        lines.remove(place);
        forgetBefore(now.minus(PAUSE));
        if (lines.size() >= MAX_PLACES) {
            return crowded(now);
        }
        lines.put(place, new Line(now));
        return last == null || last.unsaid == 0
                ? message
                : message + " (" + last.unsaid + " more from there since the last such line)";
    }

    private void forgetBefore(Instant limit) {
        Iterator<Line> oldestFirst = lines.values().iterator();
        while (oldestFirst.hasNext() && !oldestFirst.next().at.isAfter(limit)) {
            oldestFirst.remove();
        }
    }

    private String crowded(Instant now) {
        if (now.isBefore(crowdedUntil)) {
            return "";
        }
        crowdedUntil = now.plus(PAUSE);
        return "refused callers from more than " + MAX_PLACES
                + " addresses within a minute; further ones are counted, but not named here";
    }

    synchronized int size() {
        return lines.size();
    }
}
