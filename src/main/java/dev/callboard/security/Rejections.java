package dev.callboard.security;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.camel.Variable;

/**
 * The bean {@code refusals}: everyone who was not let in, for the log, for the counter and for one mail a day and
 * provider. Nothing of it is stored before the mail, so that strangers can't make the database work; what a restart
 * forgets stands in the log. Bounded, and safe for any number of threads.
 */
public final class Rejections {
    /** More places than these are counted together. */
    static final int MAX_PLACES = 1000;

    /** So many lines fit the alert's detail, and a reader's patience. */
    static final int MAX_LINES = 20;

    private final Clock clock;
    private final MeterRegistry meters;
    private final RejectionLog log;
    private final Map<String, Tallies> untold = new TreeMap<>();

    public Rejections(Clock clock, MeterRegistry meters) {
        this.clock = clock;
        this.meters = meters;
        this.log = new RejectionLog(clock);
    }

    /** What is known of one provider since its last mail. */
    private static final class Tallies {
        private final Map<String, Tally> places = new HashMap<>();
        private long elsewhere;
        private LocalDate toldOn = LocalDate.MIN;
        private Map<String, Long> inMail = Map.of();
        private long elsewhereInMail;
    }

    private record Tally(String place, long count, RejectionReason lastReason) {}

    void note(String provider, CallerRejectedException refusal) {
        meters.counter(
                        "callboard.callers.refused",
                        "provider",
                        provider,
                        "reason",
                        refusal.reason().word())
                .increment();
        log.note(provider, refusal.place(), refusal.getMessage());
        count(provider, refusal);
    }

    private synchronized void count(String provider, CallerRejectedException refusal) {
        Tallies tallies = untold.computeIfAbsent(provider, name -> new Tallies());
        Tally tally = tallies.places.get(refusal.place());
        if (tally == null && tallies.places.size() >= MAX_PLACES) {
            tallies.elsewhere++;
            return;
        }
        long before = tally == null ? 0 : tally.count();
        tallies.places.put(refusal.place(), new Tally(refusal.place(), before + 1, refusal.reason()));
    }

    /**
     * What the route {@code tell-refusals} has to raise now: for each provider whose mail of today is still to come and
     * who has somebody to tell of, {@code provider}, {@code toldOnce} and {@code detail} with one line an address.
     */
    public synchronized List<Map<String, String>> untold() {
        LocalDate today = today();
        List<Map<String, String>> alerts = new ArrayList<>();
        untold.forEach((provider, tallies) -> {
            if (!tallies.places.isEmpty() && !tallies.toldOn.equals(today)) {
                tallies.inMail = new HashMap<>();
                tallies.places.forEach((place, tally) -> tallies.inMail.put(place, tally.count()));
                tallies.elsewhereInMail = tallies.elsewhere;
                alerts.add(Map.of(
                        "provider",
                        provider,
                        "toldOnce",
                        "refused " + provider + " " + today,
                        "detail",
                        detail(tallies)));
            }
        });
        return alerts;
    }

    private static String detail(Tallies tallies) {
        List<Tally> most = tallies.places.values().stream()
                .sorted(Comparator.comparingLong(Tally::count).reversed().thenComparing(Tally::place))
                .toList();
        List<String> lines = new ArrayList<>();
        for (Tally tally : most.subList(0, Math.min(MAX_LINES, most.size()))) {
            lines.add(tally.place() + ": " + times(tally.count()) + ", "
                    + tally.lastReason().phrase());
        }
        long rest = tallies.elsewhere;
        for (Tally tally : most.subList(lines.size(), most.size())) {
            rest += tally.count();
        }
        if (rest > 0) {
            lines.add("from other addresses: " + times(rest));
        }
        return String.join("\n", lines);
    }

    private static String times(long count) {
        return count == 1 ? "once" : count + " times";
    }

    /**
     * The alert of today is in the database. If it was there before (another node's, or ours before a restart), what it
     * does not say is kept for tomorrow's.
     *
     * @param raised how many rows the alert became: 1, or 0 if there was one already
     */
    public synchronized void told(@Variable("provider") String provider, @Variable("raised") int raised) {
        Tallies tallies = untold.get(provider);
        tallies.toldOn = today();
        if (raised == 0) {
            return;
        }
        tallies.inMail.forEach((place, told) -> tallies.places.computeIfPresent(
                place,
                (name, tally) ->
                        tally.count() == told ? null : new Tally(name, tally.count() - told, tally.lastReason())));
        tallies.elsewhere -= tallies.elsewhereInMail;
    }

    private LocalDate today() {
        return LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
    }
}
