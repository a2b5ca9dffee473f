package dev.callboard.lookup;

import dev.callboard.text.SafeText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A look-up whose query is not as expected. Answered 400 with each parameter and what is expected of it. */
public final class InvalidParametersException extends Exception {
    private static final long serialVersionUID = 1;

    private static final int MAX_NAME = 50;

    private final transient List<Problem> problems;

    /**
     * One parameter that is wrong.
     *
     * @param parameter its name
     * @param expected what is expected of it; never the value that was sent
     */
    record Problem(String parameter, String expected) {
        Problem {
            parameter = SafeText.line(parameter, MAX_NAME);
        }
    }

    InvalidParametersException(List<Problem> problems) {
        // Without a stack trace, which is expensive: callers decide how often it is thrown.
        super(summary(problems), null, false, false);
        this.problems = List.copyOf(problems);
    }

    /** The value of this parameter is wrong. */
    InvalidParametersException(Parameter<?> parameter) {
        this(List.of(new Problem(parameter.name(), parameter.expected())));
    }

    private static String summary(List<Problem> problems) {
        return problems.stream()
                .map(problem -> problem.parameter() + " is expected " + problem.expected())
                .collect(Collectors.joining("; "));
    }

    /** The members of {@code application/problem+json} (RFC 9457). */
    public Map<String, Object> getDetails() {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("type", "about:blank");
        details.put("title", "Invalid parameters");
        details.put("status", 400);
        details.put("detail", getMessage());
        details.put(
                "errors",
                problems.stream()
                        .map(problem -> Map.of("parameter", problem.parameter(), "expected", problem.expected()))
                        .toList());
        return details;
    }
}
