package dev.callboard.security;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.camel.Variable;

/**
 * The bean {@code rejections}: logs and counts the requests that reach no route, and collects them for alerts. Rejected
 * callers are reported once a day and provider; requests of admitted callers that are invalid before a route reads them,
 * such as by their type or length, once an hour and provider. Bounded, and safe for use by any number of threads.
 */
public final class Rejections {
    private static final String REFUSED = "refused";
    private static final String MALFORMED = "malformed";

    private final MeterRegistry meters;
    private final CallerLog rejectedLog;
    private final CallerLog invalidLog;
    private final Map<String, CallerTally> tallies;

    public Rejections(Clock clock, MeterRegistry meters) {
        this.meters = meters;
        this.rejectedLog = new CallerLog("rejected caller", clock);
        this.invalidLog = new CallerLog("invalid request", clock);
        this.tallies = Map.of(
                REFUSED, new CallerTally(REFUSED, ChronoUnit.DAYS, clock),
                MALFORMED, new CallerTally(MALFORMED, ChronoUnit.HOURS, clock));
    }

    void add(String provider, CallerRejectedException rejection) {
        RejectionReason reason = rejection.reason();
        meters.counter("callboard.callers.rejected", "provider", provider, "reason", reason.code())
                .increment();
        rejectedLog.log(
                rejection.network(),
                "provider=" + provider + " client=" + rejection.client() + " reason=" + reason.code(),
                rejection.getMessage());
        tallies.get(REFUSED).add(provider, rejection.network(), reason.phrase());
    }

    /**
     * Adds a request of an admitted caller that was answered without a route.
     *
     * @param problem for the log and the alert; of what the caller sent only text that is cut and cleaned
     */
    void addInvalid(String provider, Client client, int status, String problem) {
        invalidLog.log(
                client.network() + " " + status,
                "provider=" + provider + " client=" + client + " status=" + status,
                problem + "; nothing is stored, and the callback may be lost");
        tallies.get(MALFORMED).add(provider, client.network(), "answered " + status + ": " + problem);
    }

    /** Logs a request whose provider or client cannot be known, from a peer that may send admitted requests. */
    void logInvalid(String peer, int status, String problem) {
        invalidLog.log(peer + " " + status, "peer=" + peer + " status=" + status, problem + "; nothing is stored");
    }

    /**
     * The alerts to raise now.
     *
     * @return for each alert {@code alertKind}, {@code provider} and {@code detail}
     */
    public List<Map<String, String>> unreported() {
        return Stream.of(REFUSED, MALFORMED)
                .flatMap(kind -> tallies.get(kind).unreported().stream())
                .toList();
    }

    /**
     * An alert that {@link #unreported()} has returned is in the database.
     *
     * @param raised how many alerts were inserted: 1, or 0 if there was one already in this hour or on this day
     */
    public void reported(
            @Variable("alertKind") String alertKind,
            @Variable("provider") String provider,
            @Variable("raised") int raised) {
        tallies.get(alertKind).reported(provider, raised);
    }
}
