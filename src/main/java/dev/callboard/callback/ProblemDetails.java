package dev.callboard.callback;

import com.fasterxml.jackson.core.JacksonException;
import dev.callboard.text.SafeText;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePropertyKey;

/**
 * The bean {@code problem} of the route configuration {@code answer-errors}: puts what went wrong into words, once for
 * the caller (RFC 9457) and once for the log. Neither repeats what the caller sent. Safe for any number of threads.
 */
public final class ProblemDetails {
    private static final int FRAMES = 4;

    /** The members of {@code application/problem+json} for a body that is malformed. */
    public Map<String, Object> details(Exchange exchange) {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("type", "about:blank");
        details.put("title", "Malformed callback");
        details.put("status", 400);
        List<InvalidCallbackException.Problem> problems = problems(caught(exchange));
        details.put("detail", summary(problems));
        details.put("errors", problems);
        return details;
    }

    /** The same on one line. */
    public String summary(Exchange exchange) {
        return summary(problems(caught(exchange)));
    }

    private static String summary(List<InvalidCallbackException.Problem> problems) {
        List<String> words = new ArrayList<>();
        for (InvalidCallbackException.Problem problem : problems) {
            words.add(
                    (problem.field().isEmpty() ? "the body" : problem.field()) + " is expected " + problem.expected());
        }
        return String.join("; ", words);
    }

    private static List<InvalidCallbackException.Problem> problems(Throwable caught) {
        for (Throwable e = caught; e != null; e = e.getCause()) {
            if (e instanceof InvalidCallbackException malformed) {
                return malformed.problems();
            }
            if (e instanceof JacksonException noJson) {
                String where = noJson.getLocation() == null
                        ? ""
                        : ", but is not at line " + noJson.getLocation().getLineNr() + ", column "
                                + noJson.getLocation().getColumnNr();
                return List.of(new InvalidCallbackException.Problem(
                        "", "to be one JSON object without duplicate keys" + where));
            }
        }
        return List.of(new InvalidCallbackException.Problem(
                "", "to be recorded, which failed (" + caught.getClass().getSimpleName() + ")"));
    }

    /**
     * The chain of causes with the places in the code where they arose, on one line. Messages of Camel and of databases
     * are left out: they quote bodies and rows.
     */
    public String cause(Exchange exchange) {
        return cause(caught(exchange));
    }

    public static String cause(Throwable caught) {
        StringBuilder text = new StringBuilder();
        for (Throwable e = caught; e != null; e = e.getCause()) {
            text.append(text.isEmpty() ? "" : " <- ").append(e.getClass().getName());
            if (e instanceof IllegalArgumentException
                    || e.getClass().getPackageName().startsWith("dev.callboard")) {
                text.append(": ").append(SafeText.line(String.valueOf(e.getMessage()), 300));
            }
            if (e instanceof SQLException database) {
                text.append(": SQL state ").append(database.getSQLState());
            }
            StackTraceElement[] frames = e.getStackTrace();
            for (int i = 0; i < Math.min(FRAMES, frames.length); i++) {
                text.append(" at ").append(frames[i]);
            }
        }
        return text.toString();
    }

    private static Throwable caught(Exchange exchange) {
        return exchange.getProperty(ExchangePropertyKey.EXCEPTION_CAUGHT, Throwable.class);
    }
}
