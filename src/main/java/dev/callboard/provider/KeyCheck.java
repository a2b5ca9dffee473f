package dev.callboard.provider;

import dev.callboard.provider.LookupFailedException.Kind;
import dev.callboard.text.Causes;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apache.camel.CamelContext;

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
        Exception failure = lookup.send(camel.createProducerTemplate(), FAMILY, List.of(NO_TASK))
                .getException();
        Optional<LookupFailedException> known = Causes.find(failure, LookupFailedException.class);
        if (known.isPresent()) {
            return new Answer(result(known.get().kind()), known.get().getMessage());
        }
        Result result = lookup.isReached() ? Result.ACCEPTED : Result.UNKNOWN;
        if (failure != null) {
            return new Answer(
                    result, "no answer (" + Causes.root(failure).getClass().getSimpleName() + ")");
        }
        Lookup.Answer answer = lookup.answers().get(NO_TASK);
        return new Answer(result, answer == null ? "no such task" : answer.text());
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
