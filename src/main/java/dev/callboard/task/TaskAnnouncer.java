package dev.callboard.task;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The bean {@code taskAnnouncer}: what requests on the management port say of tasks. Safe for use by any number of threads.
 */
public final class TaskAnnouncer {
    /** How many lines a batch may have. */
    static final int MAX_LINES = 10_000;

    private static final List<String> JSON = List.of("application/json");
    private static final List<String> JSON_LINES = List.of("application/x-ndjson", "application/json");

    private static final char REPLACEMENT = '\ufffd';
    private static final String ENCODED_REPLACEMENT = "%EF%BF%BD";

    private final AnnouncementReader reader;
    private final Announcements announcements;

    /** @param providers the names of all providers */
    public TaskAnnouncer(Set<String> providers, Announcements announcements) {
        this.reader = new AnnouncementReader(providers);
        this.announcements = announcements;
    }

    /**
     * {@code PUT /tasks/{provider}/{taskId}}: announces a task.
     *
     * @return whether it did not exist
     * @throws InvalidAnnouncementException if the URL or the body is not as expected
     * @throws SQLException if the database did not commit
     */
    public boolean put(Exchange exchange) throws InvalidAnnouncementException, SQLException {
        Message message = exchange.getMessage();
        checkQuery(exchange);
        checkTaskId(exchange);
        byte[] body = body(exchange, JSON);
        Announcement announcement = reader.read(
                message.getHeader("provider", String.class), message.getHeader("taskId", String.class), body);
        return announcements.announce(List.of(announcement)).created() == 1;
    }

    private static void checkQuery(Exchange exchange) throws InvalidAnnouncementException {
        if (uri(exchange).indexOf('?') >= 0) {
            throw new InvalidAnnouncementException(
                    List.of(new InvalidAnnouncementException.Problem("the query", "not to be there")));
        }
    }

    /** Vert.x replaces bytes that are not UTF-8, so that two ids would become one. */
    private static void checkTaskId(Exchange exchange) throws InvalidAnnouncementException {
        String taskId = exchange.getMessage().getHeader("taskId", String.class);
        if (taskId.indexOf(REPLACEMENT) >= 0
                && !uri(exchange).toUpperCase(Locale.ROOT).contains(ENCODED_REPLACEMENT)) {
            throw new InvalidAnnouncementException(
                    List.of(new InvalidAnnouncementException.Problem("taskId", "to be UTF-8")));
        }
    }

    private static String uri(Exchange exchange) {
        return exchange.getMessage(HttpMessage.class).getRequest().uri();
    }

    /**
     * {@code POST /tasks}: announces the task of each line.
     *
     * @return how many were created, how many existed, and the lines that are not as expected, whose tasks are not announced
     * @throws InvalidAnnouncementException if the body as a whole is not as expected; then none is announced
     * @throws SQLException if the database did not commit; some of the tasks may be announced
     */
    public Map<String, Object> post(Exchange exchange) throws InvalidAnnouncementException, SQLException {
        checkQuery(exchange);
        byte[] body = body(exchange, JSON_LINES);
        if (lines(body) > MAX_LINES) {
            throw InvalidAnnouncementException.ofBody("to have at most " + MAX_LINES + " lines");
        }
        Announcements.Counts counts = Announcements.Counts.NONE;
        List<Map<String, Object>> invalid = new ArrayList<>();
        List<Announcement> chunk = new ArrayList<>();
        int number = 0;
        for (int from = 0; from < body.length; ) {
            int end = endOfLine(body, from);
            number++;
            if (!isBlank(body, from, end)) {
                try {
                    chunk.add(reader.read(Arrays.copyOfRange(body, from, end)));
                } catch (InvalidAnnouncementException e) {
                    invalid.add(invalidLine(number, e));
                }
            }
            from = end + 1;
            if (chunk.size() == Announcements.MAX_CHUNK || from >= body.length) {
                counts = counts.plus(announcements.announce(chunk));
                chunk.clear();
            }
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("created", counts.created());
        answer.put("existed", counts.existed());
        answer.put("invalid", invalid);
        return answer;
    }

    private static Map<String, Object> invalidLine(int number, InvalidAnnouncementException e) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("line", number);
        line.put("reason", e.getMessage().replace("the body", "the line"));
        return line;
    }

    private static int lines(byte[] body) {
        int lines = 0;
        for (int from = 0; from < body.length; from = endOfLine(body, from) + 1) {
            lines++;
        }
        return lines;
    }

    private static int endOfLine(byte[] body, int from) {
        int end = from;
        while (end < body.length && body[end] != '\n') {
            end++;
        }
        return end;
    }

    private static boolean isBlank(byte[] body, int from, int end) {
        for (int i = from; i < end; i++) {
            if (body[i] != ' ' && body[i] != '\t' && body[i] != '\r') {
                return false;
            }
        }
        return true;
    }

    /** The body; empty if there is none. */
    private static byte[] body(Exchange exchange, List<String> types) throws InvalidAnnouncementException {
        String type = exchange.getMessage(HttpMessage.class).getRequest().getHeader("Content-Type");
        byte[] body = exchange.getMessage().getBody(byte[].class);
        boolean isEmpty = body == null || body.length == 0;
        // Camel drops the body of a form, which curl sends unless it is told otherwise.
        boolean isOther = type == null ? !isEmpty : !types.contains(mediaType(type));
        if (isOther) {
            throw InvalidAnnouncementException.ofContentType(String.join(" or ", types));
        }
        return isEmpty ? new byte[0] : body;
    }

    private static String mediaType(String contentType) {
        return contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    }
}
