package dev.callboard.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** An announcement that is not as expected. Answered 400 with each field and what is expected of it, or 415. */
public final class InvalidAnnouncementException extends Exception {
    private static final long serialVersionUID = 1;

    private static final int BAD_REQUEST = 400;
    private static final int UNSUPPORTED_MEDIA_TYPE = 415;

    private final int status;
    private final transient List<Problem> problems;

    /**
     * One field that is wrong.
     *
     * @param field its place in the body as a JSON Pointer (RFC 6901), or the name of a part of the URL or of a header; empty
     *     for the body itself
     * @param expected what is expected there; never what was sent
     */
    record Problem(String field, String expected) {}

    InvalidAnnouncementException(List<Problem> problems) {
        this(BAD_REQUEST, problems);
    }

    private InvalidAnnouncementException(int status, List<Problem> problems) {
        // Without a stack trace, which is expensive: callers decide how often it is thrown.
        super(summary(problems), null, false, false);
        this.status = status;
        this.problems = List.copyOf(problems);
    }

    /** The body as a whole is wrong. */
    static InvalidAnnouncementException ofBody(String expected) {
        return new InvalidAnnouncementException(List.of(new Problem("", expected)));
    }

    /** The body is of another type than this one. */
    static InvalidAnnouncementException ofContentType(String expected) {
        return new InvalidAnnouncementException(
                UNSUPPORTED_MEDIA_TYPE, List.of(new Problem("Content-Type", "to be " + expected)));
    }

    private static String summary(List<Problem> problems) {
        return problems.stream()
                .map(problem -> (problem.field().isEmpty() ? "the body" : problem.field()) + " is expected "
                        + problem.expected())
                .collect(Collectors.joining("; "));
    }

    /** The status of the answer. */
    public int getStatus() {
        return status;
    }

    /** The members of {@code application/problem+json} (RFC 9457). */
    public Map<String, Object> getDetails() {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("type", "about:blank");
        details.put("title", "Invalid announcement");
        details.put("status", status);
        details.put("detail", getMessage());
        details.put(
                "errors",
                problems.stream()
                        .map(problem -> Map.of("field", problem.field(), "expected", problem.expected()))
                        .toList());
        return details;
    }
}
