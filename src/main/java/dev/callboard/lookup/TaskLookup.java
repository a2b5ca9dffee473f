package dev.callboard.lookup;

import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import dev.callboard.db.SqlTimes;
import dev.callboard.db.Transaction;
import dev.callboard.lookup.PageQuery.Detail;
import dev.callboard.lookup.PageQuery.KeyColumn;
import dev.callboard.lookup.PageQuery.Rows;
import dev.callboard.text.SafeText;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.Exchange;

/** The bean {@code taskLookup}: lists tasks, and shows one. Safe for use by any number of threads. */
public final class TaskLookup {
    private static final SqlFile SQL = SqlFile.read("lookup");

    private static final String SELECT_TASKS = SQL.statement("select-tasks");
    private static final String SELECT_TASK = SQL.statement("select-task");
    private static final String SELECT_RESULTS = SQL.statement("select-results");
    private static final String SELECT_CALLBACKS = SQL.statement("select-callbacks");
    private static final String SELECT_CALLBACK = SQL.statement("select-callback");
    private static final String SELECT_BEGINNING = SQL.statement("select-callback-and-beginning");

    /** How many files of a task are in a list of tasks. */
    private static final int MAX_RESULTS_IN_LIST = 20;

    /** How many characters of a payload are shown unless it is asked for; one less than the statement reads. */
    private static final int MAX_BEGINNING = 4000;

    private static final int MAX_TEXT = 200;

    private static final Parameter<String> PROVIDER = Parameter.provider("provider");
    private static final Parameter<String> OUTCOME =
            Parameter.oneOf("outcome", List.of("expected", "in_progress", "completed", "failed", "unknown"));
    private static final Parameter<String> TYPE = Parameter.text("type", MAX_TEXT);
    private static final Parameter<String> BUSINESS_ID = Parameter.text("businessId", MAX_TEXT);
    private static final Parameter<String> TASK_ID_PREFIX = Parameter.text("taskIdPrefix", MAX_TEXT);
    private static final Parameter<Instant> CHANGED_SINCE = Parameter.time("changedSince");
    private static final Parameter<Instant> CHANGED_UNTIL = Parameter.time("changedUntil");
    private static final Parameter<String> INCLUDE = Parameter.oneOf("include", List.of("results"));
    private static final Parameter<String> PAYLOADS = Parameter.oneOf("payloads", List.of("full"));

    /**
     * The filters that have an index, each with its column. Those that probably match fewer tasks come later, since the
     * last one of a request decides which index H2 reads.
     */
    private static final Map<Parameter<String>, String> FILTERS = filters();

    private static Map<Parameter<String>, String> filters() {
        Map<Parameter<String>, String> filters = new LinkedHashMap<>();
        filters.put(OUTCOME, "outcome");
        filters.put(TYPE, "task_type");
        filters.put(BUSINESS_ID, "business_id");
        return filters;
    }

    private final Database database;

    public TaskLookup(Database database) {
        this.database = database;
    }

    /**
     * {@code GET /tasks}: the tasks by their last change, newest first; those with a prefix by their ids.
     *
     * @throws InvalidParametersException if the query is not as expected
     */
    public Page list(Exchange exchange) throws InvalidParametersException, SQLException {
        LookupRequest request = LookupRequest.of(
                exchange,
                "/tasks",
                OUTCOME,
                PROVIDER,
                TYPE,
                BUSINESS_ID,
                TASK_ID_PREFIX,
                CHANGED_SINCE,
                CHANGED_UNTIL,
                INCLUDE);
        PageQuery query = request.get(TASK_ID_PREFIX).isPresent() ? byId(request) : byChange(request);
        query.where("changed_at >= ?", request.get(CHANGED_SINCE)).where("changed_at < ?", request.get(CHANGED_UNTIL));
        boolean withResults = request.get(INCLUDE).isPresent();
        return read(connection -> {
            Budget budget = new Budget();
            Rows tasks = query.read(
                    connection, request.limit(), budget, withResults ? results(connection, budget) : Detail.NONE);
            return Page.of(request, tasks.rows(), tasks.next());
        });
    }

    private static PageQuery byChange(LookupRequest request) throws InvalidParametersException {
        PageQuery query =
                PageQuery.descending(SELECT_TASKS, KeyColumn.time("changed_at"), KeyColumn.uuid("applied_callback_id"));
        // The provider is a column at the end of each index: it is filtered without reading the tasks.
        query.where("provider = ?", request.get(PROVIDER));
        FILTERS.forEach((parameter, column) -> query.whereEqual(column, request.get(parameter)));
        return query.after(request.cursor());
    }

    /**
     * Reads the range of the key, whatever the other filters are: with {@code COALESCE} they have no index, of which H2
     * would take one and then sort.
     */
    private static PageQuery byId(LookupRequest request) throws InvalidParametersException {
        PageQuery query = PageQuery.ascending(SELECT_TASKS, KeyColumn.text("task_id"), KeyColumn.text("provider"));
        String prefix = request.get(TASK_ID_PREFIX).orElseThrow();
        query.where("task_id >= ?", Optional.of(prefix))
                .where("task_id < ?", Prefix.end(prefix))
                .where("task_id LIKE ? ESCAPE '!'", Optional.of(Prefix.pattern(prefix)))
                .where("provider = ?", request.get(PROVIDER));
        FILTERS.forEach((parameter, column) -> query.where("COALESCE(" + column + ", '') = ?", request.get(parameter)));
        return query.after(request.cursor());
    }

    /** Adds to each task its first files. */
    private static Detail results(Connection connection, Budget budget) {
        return task -> {
            Rows results = results(task.get("provider"), task.get("taskId"))
                    .read(connection, MAX_RESULTS_IN_LIST, budget, Detail.NONE);
            task.put("results", results.rows());
            task.put("resultsTruncated", results.next().isPresent());
        };
    }

    private static PageQuery results(Object provider, Object taskId) {
        return PageQuery.ascending(SELECT_RESULTS, KeyColumn.time("received_at"), KeyColumn.bytes("url_digest"))
                .where("provider = ?", provider)
                .where("task_id = ?", taskId);
    }

    /**
     * {@code GET /tasks/{provider}/{taskId}}: a task, a page of its files and a page of its callbacks, newest first. A
     * next page has what is left of either. Null if there is no such task.
     *
     * @throws InvalidParametersException if the query is not as expected
     */
    public Page show(Exchange exchange) throws InvalidParametersException, SQLException {
        String provider = exchange.getMessage().getHeader("provider", String.class);
        String taskId = exchange.getMessage().getHeader("taskId", String.class);
        LookupRequest request =
                LookupRequest.of(exchange, "/tasks/" + encoded(provider) + "/" + encoded(taskId), PAYLOADS);
        if (provider.indexOf('\0') >= 0 || taskId.indexOf('\0') >= 0) {
            // No task has such a key, and PostgreSQL rejects it as a parameter.
            return null;
        }
        Sublist results = Sublist.of(results(provider, taskId), request.cursor(), 0);
        Sublist callbacks = Sublist.of(callbacks(provider, taskId), request.cursor(), 1);
        boolean full = request.get(PAYLOADS).isPresent();
        return read(connection -> {
            Optional<Map<String, Object>> task = task(connection, provider, taskId);
            if (task.isEmpty()) {
                return null;
            }
            Rows resultRows = results.read(connection, request.limit(), Detail.NONE);
            Rows callbackRows =
                    callbacks.read(connection, request.limit(), callback(connection, provider, taskId, full));
            Map<String, Object> content = new LinkedHashMap<>();
            content.put("task", task.get());
            content.put("results", resultRows.rows());
            content.put("callbacks", callbackRows.rows());
            return Page.of(request, content, Sublist.next(resultRows, callbackRows));
        });
    }

    /** What {@link #show} answers of the task itself; null if there is no such task. */
    public Map<String, Object> task(Exchange exchange) throws SQLException {
        String provider = exchange.getMessage().getHeader("provider", String.class);
        String taskId = exchange.getMessage().getHeader("taskId", String.class);
        return read(connection -> task(connection, provider, taskId)).orElse(null);
    }

    private static PageQuery callbacks(String provider, String taskId) {
        return PageQuery.descending(SELECT_CALLBACKS, KeyColumn.time("received_at"), KeyColumn.uuid("callback_id"))
                .where("provider = ?", provider)
                .where("task_id = ?", taskId);
    }

    private static Optional<Map<String, Object>> task(Connection connection, String provider, String taskId)
            throws SQLException {
        return PageQuery.ascending(SELECT_TASK, KeyColumn.text("task_id"), KeyColumn.text("provider"))
                .where("provider = ?", provider)
                .where("task_id = ?", taskId)
                .read(connection, 1, new Budget(), Detail.NONE)
                .rows()
                .stream()
                .findFirst();
    }

    /**
     * One of the two lists of a task. The place in both is one cursor, with a part for each.
     *
     * @param ended whether an earlier page had its last row
     */
    private record Sublist(PageQuery query, boolean ended) {
        /** Is no cursor. */
        private static final String ENDED = "-";

        static Sublist of(PageQuery query, Optional<Cursor> place, int part) throws InvalidParametersException {
            if (place.isEmpty()) {
                return new Sublist(query, false);
            }
            boolean ended = place.get().text(part).equals(ENDED);
            return new Sublist(
                    ended ? query : query.after(Optional.of(place.get().nested(part))), ended);
        }

        Rows read(Connection connection, int limit, Detail detail) throws SQLException {
            return ended ? Rows.NONE : query.read(connection, limit, new Budget(), detail);
        }

        static Optional<Cursor> next(Rows... lists) {
            return Arrays.stream(lists).allMatch(list -> list.next().isEmpty())
                    ? Optional.empty()
                    : Optional.of(Cursor.of(Arrays.stream(lists)
                            .map(list -> list.next().map(Cursor::encode).orElse(ENDED))
                            .toArray()));
        }
    }

    /** Reads each callback of the page, with its payload or the beginning of it. */
    private static Detail callback(Connection connection, String provider, String taskId, boolean full) {
        return callback -> {
            try (PreparedStatement statement = connection.prepareStatement(full ? SELECT_CALLBACK : SELECT_BEGINNING)) {
                statement.setString(1, taskId);
                statement.setString(2, provider);
                SqlTimes.set(statement, 3, Instant.parse((String) callback.get(".received_at")));
                statement.setObject(4, callback.get(".callback_id"));
                try (ResultSet row = statement.executeQuery()) {
                    if (row.next()) {
                        callback.putAll(PageQuery.columns(row));
                        String payload = row.getString("payload");
                        boolean cut = !full && payload.length() > MAX_BEGINNING;
                        callback.put("payload", cut ? SafeText.storable(payload, MAX_BEGINNING) : payload);
                        callback.put("payloadTruncated", cut);
                    }
                }
            }
        };
    }

    private <T> T read(Transaction.Work<T> work) throws SQLException {
        try (Connection connection = database.lookups().getConnection()) {
            return Transaction.run(connection, work);
        }
    }

    private static String encoded(String segment) {
        return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
