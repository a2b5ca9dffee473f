package dev.callboard.callback;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonLocation;
import dev.callboard.text.Causes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePropertyKey;

/**
 * The bean {@code problemDetails}: describes the exception of an exchange, for the caller (RFC 9457) and for the log. No
 * description repeats what the caller sent. Safe for use by any number of threads.
 */
public final class ProblemDetails {
    /** The members of {@code application/problem+json} for an invalid callback. */
    public Map<String, Object> details(Exchange exchange) {
        List<InvalidCallbackException.Problem> problems = problems(caught(exchange));
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("type", "about:blank");
        details.put("title", "Malformed callback");
        details.put("status", 400);
        details.put("detail", summary(problems));
        details.put("errors", problems);
        return details;
    }

    /** The fields that are wrong and what was expected, on one line. */
    public String summary(Exchange exchange) {
        return summary(problems(caught(exchange)));
    }

    /** The chain of causes, on one line. */
    public String cause(Exchange exchange) {
        return Causes.describe(caught(exchange));
    }

    private static String summary(List<InvalidCallbackException.Problem> problems) {
        return problems.stream()
                .map(problem -> (problem.field().isEmpty() ? "the body" : problem.field()) + " is expected "
                        + problem.expected())
                .collect(Collectors.joining("; "));
    }

    /** Of the two exceptions that mean an invalid callback; Camel and a bean's proxy may have wrapped them. */
    private static List<InvalidCallbackException.Problem> problems(Throwable caught) {
        if (caught instanceof InvalidCallbackException invalid) {
            return invalid.problems();
        }
        if (caught instanceof JacksonException notJson) {
            return List.of(new InvalidCallbackException.Problem(
                    "", "to be one JSON object without duplicate keys" + where(notJson.getLocation())));
        }
        return problems(caught.getCause());
    }

    private static String where(JsonLocation location) {
        return location == null
                ? ""
                : ", but is not at line " + location.getLineNr() + ", column " + location.getColumnNr();
    }

    private static Throwable caught(Exchange exchange) {
        return exchange.getProperty(ExchangePropertyKey.EXCEPTION_CAUGHT, Throwable.class);
    }
}
