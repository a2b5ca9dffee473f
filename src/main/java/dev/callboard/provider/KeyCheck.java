package dev.callboard.provider;

import dev.callboard.provider.LookupFailedException.Kind;
import java.time.Instant;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePattern;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.support.DefaultExchange;

/**
 * Whether a provider's API accepts the key of the settings: asks it, by the provider's own route, about a task that does not
 * exist. Nothing is recorded.
 */
public final class KeyCheck {
    /** An id that every provider takes for one, and that no task has. */
    private static final String NO_TASK = "00000000-0000-4000-8000-000000000000";

    /** One that Creatify has; other providers need none. */
    private static final String FAMILY = "lipsyncs";

    /** What the API says of the key. */
    public enum Result {
        ACCEPTED,
        REFUSED,
        /** The API did not answer, or with an error of its own. */
        UNKNOWN
    }

    /**
     * What came of the question.
     *
     * @param text what the API answered, in one line without a secret
     */
    public record Answer(Result result, String text) {}

    private KeyCheck() {}

    /**
     * Asks the API once, which takes at most half a minute.
     *
     * @param camel the context of the route {@code lookup-<provider>}, which must run
     */
    public static Answer ask(CamelContext camel, String provider, Instant now) {
        Lookup lookup = new Lookup(provider, List.of(NO_TASK), now);
        Exchange exchange = new DefaultExchange(camel, ExchangePattern.InOut);
        exchange.setVariable("provider", provider);
        exchange.setVariable("origin", "lookup");
        exchange.setVariable("family", FAMILY);
        exchange.setVariable(Lookup.VARIABLE, lookup);
        exchange.getMessage().setBody(NO_TASK);
        ProducerTemplate producer = camel.createProducerTemplate();
        producer.send("direct:lookup-" + provider, exchange);
        for (Throwable e = exchange.getException(); e != null; e = e.getCause()) {
            if (e instanceof LookupFailedException failure) {
                return new Answer(result(failure.kind()), failure.getMessage());
            }
            if (e.getCause() == null) {
                return new Answer(
                        lookup.isReached() ? Result.ACCEPTED : Result.UNKNOWN,
                        "no answer (" + e.getClass().getSimpleName() + ")");
            }
        }
        Lookup.Answer answer = lookup.answers().get(NO_TASK);
        return new Answer(
                lookup.isReached() ? Result.ACCEPTED : Result.UNKNOWN, answer == null ? "no such task" : answer.text());
    }

    private static Result result(Kind kind) {
        return switch (kind) {
            case REFUSED -> Result.REFUSED;
            // The API knows who asks before it says so.
            case NOT_FOUND, REJECTED, THROTTLED -> Result.ACCEPTED;
            case UNAVAILABLE -> Result.UNKNOWN;
        };
    }
}
