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
 * Logs what callers cause, at a limited rate: one line a minute and network (an IPv4 address or an IPv6 /64), for at most
 * {@link #MAX_NETWORKS} networks a minute. So callers cannot fill the log or the memory. Safe for use by any number of
 * threads.
 */
final class CallerLog {
    static final int MAX_NETWORKS = 1000;
    static final Duration INTERVAL = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(CallerLog.class);

    private final String event;
    private final Clock clock;
    /** By network, in the order in which their last lines were logged. */
    private final Map<String, LastLine> lastLines = new LinkedHashMap<>();

    private Instant networksSuppressedUntil = Instant.MIN;

    /** @param event how each line begins, such as {@code rejected caller} */
    CallerLog(String event, Clock clock) {
        this.event = event;
        this.clock = clock;
    }

    private static final class LastLine {
        private final Instant at;
        private long suppressed;

        LastLine(Instant at) {
            this.at = at;
        }
    }

    /**
     * Logs {@code <event> <fields> (<hint>)}, unless a line of this network was logged within the last minute.
     *
     * @param fields of what a caller sent only text that is cut and cleaned
     */
    void log(String network, String fields, String hint) {
        String line = line(network, fields, hint);
        if (!line.isEmpty()) {
            LOG.warn("{}", line);
        }
    }

    /** The line to log now; empty if it is suppressed. */
    private synchronized String line(String network, String fields, String hint) {
        Instant now = clock.instant();
        LastLine last = lastLines.get(network);
        if (last != null && last.at.plus(INTERVAL).isAfter(now)) {
            last.suppressed++;
            return "";
        }
        lastLines.remove(network);
        removeUntil(now.minus(INTERVAL));
        if (lastLines.size() >= MAX_NETWORKS) {
            return tooManyNetworks(now);
        }
        lastLines.put(network, new LastLine(now));
        String suppressed = last == null || last.suppressed == 0 ? "" : " suppressed=" + last.suppressed;
        return event + " " + fields + suppressed + " (" + hint + ")";
    }

    private void removeUntil(Instant limit) {
        Iterator<LastLine> oldestFirst = lastLines.values().iterator();
        while (oldestFirst.hasNext() && !oldestFirst.next().at.isAfter(limit)) {
            oldestFirst.remove();
        }
    }

    private String tooManyNetworks(Instant now) {
        if (now.isBefore(networksSuppressedUntil)) {
            return "";
        }
        networksSuppressedUntil = now.plus(INTERVAL);
        return event + ": more than " + MAX_NETWORKS
                + " networks within a minute (those from further networks are counted, but not logged)";
    }

    synchronized int size() {
        return lastLines.size();
    }
}
