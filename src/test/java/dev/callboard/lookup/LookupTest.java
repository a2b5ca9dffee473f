package dev.callboard.lookup;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.OnEachDatabase;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.text.Sha256;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The lists of the management port, each read page by page over HTTP. */
final class LookupTest extends OnEachDatabase {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final Pattern NEXT = Pattern.compile("<(/[^>]*)>; rel=\"next\"");

    private static final String INSERT_CALLBACK =
            "INSERT INTO callback (callback_id, provider, task_id, status, outcome, payload, digest, origin, received_at)"
                    + " VALUES (?, 'fotor', ?, '0', 'in_progress', ?, ?, 'callback', CURRENT_TIMESTAMP)";

    private static final String INSERT_MAIL =
            "INSERT INTO mail (mail_id, provider, kind, sequence, thread_id, state, created_at, quiet_after,"
                    + " interval_seconds, next_digest_at, next_attempt_at) VALUES (?, 'fotor', 'failed', ?, 'thread', ?,"
                    + " CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 60, CURRENT_TIMESTAMP,"
                    + " CASE WHEN ? = 'pending' THEN CURRENT_TIMESTAMP + INTERVAL '1' DAY END)";

    @BeforeEach
    void forget() {
        callboard.forgetCallbacks();
    }

    // ---- the list of tasks ----

    private record Given(String taskId, int status, String type, String businessId) {
        String outcome() {
            return List.of("in_progress", "completed", "failed").get(status);
        }
    }

    @Test
    void filtersTasksByAnyCombination() {
        List<Given> newestFirst = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            Given given = new Given("t" + i, i % 3, i % 2 == 0 ? "avatar" : "video", i % 4 < 2 ? "order 1%" : null);
            accept(given);
            newestFirst.add(0, given);
        }
        List<String> times = list("/tasks").stream()
                .map(task -> task.get("changedAt").asText())
                .toList();
        String since = times.get(20);
        String until = times.get(2);

        for (int filters = 0; filters < 64; filters++) {
            String query = "/tasks?limit=7";
            Stream<Given> expected = newestFirst.stream();
            if ((filters & 1) != 0) {
                query += "&outcome=failed";
                expected = expected.filter(given -> given.outcome().equals("failed"));
            }
            if ((filters & 2) != 0) {
                query += "&type=avatar";
                expected = expected.filter(given -> given.type().equals("avatar"));
            }
            if ((filters & 4) != 0) {
                query += "&businessId=order+1%25";
                expected = expected.filter(given -> given.businessId() != null);
            }
            if ((filters & 8) != 0) {
                query += "&changedSince=" + since + "&changedUntil=" + until;
                expected = expected.filter(given -> newestFirst.indexOf(given) > 2 && newestFirst.indexOf(given) <= 20);
            }
            if ((filters & 16) != 0) {
                query += "&provider=fotor";
            }
            List<String> ids = expected.map(Given::taskId).toList();
            if ((filters & 32) != 0) {
                query += "&taskIdPrefix=t1";
                ids = ids.stream().filter(id -> id.startsWith("t1")).sorted().toList();
            }
            assertThat(ids(query)).as(query).isEqualTo(ids);
        }
        assertThat(ids("/tasks?provider=creatify")).isEmpty();
        assertThat(ids("/tasks?provider=creatify&taskIdPrefix=t")).isEmpty();
    }

    @Test
    void listsAHundredTasksUnlessItIsToldOtherwise() {
        insertTasks(IntStream.range(0, 101).mapToObj(i -> "task-" + i).toList());

        HttpResponse<String> answer = callboard.manage("/tasks");

        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(json(answer)).hasSize(100);
        assertThat(answer.headers().firstValue("Link"))
                .hasValueSatisfying(link -> assertThat(link).matches("</tasks\\?cursor=[A-Za-z0-9_-]+>; rel=\"next\""));
        assertThat(callboard.manage("/tasks?limit=101").headers().firstValue("Link"))
                .isEmpty();
        assertThat(callboard.manage("/tasks?provider=creatify").body()).isEqualTo("[]");
    }

    @Test
    void showsEachTaskOnceIfAllChangedAtTheSameTime() {
        List<String> ids = IntStream.range(10, 31).mapToObj(i -> "same-" + i).toList();
        insertTasks(ids);

        assertThat(ids("/tasks?limit=2")).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(ids("/tasks?limit=2&taskIdPrefix=same-")).isEqualTo(ids);
    }

    @Test
    void keepsItsPlaceWhileTasksAreAdded() {
        insertTasks(IntStream.range(0, 4).mapToObj(i -> "before-" + i).toList());
        HttpResponse<String> first = callboard.manage("/tasks?limit=2");
        accept(new Given("added", 0, "avatar", null));

        HttpResponse<String> second = callboard.manage(next(first));

        List<String> seen = new ArrayList<>(json(first).findValuesAsText("taskId"));
        seen.addAll(json(second).findValuesAsText("taskId"));
        assertThat(seen).containsExactlyInAnyOrder("before-0", "before-1", "before-2", "before-3");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ab          | ab",
                "a-          | a-b,a-c",
                "A           | AB",
                "a_          | a_b",
                "a%          | a%b",
                "a!          | a!b",
                "a\\          | a\\b",
                "a           | a!b,a%b,a-b,a-c,a\\b,a_b,ab,aé",
                "aé          | aé",
                "a\u0301     | ",
                "\ud83c\udfad| \ud83c\udfad1",
                "\uffff      | \uffff\uffff",
                "'           | '"
            },
            quoteCharacter = '"')
    void findsIdsByTheirFirstCharacters(String prefix, String expected) {
        insertTasks(List.of(
                "ab",
                "AB",
                "a-b",
                "a-c",
                "a_b",
                "a%b",
                "a!b",
                "a\\b",
                "aé",
                "b",
                "\ud83c\udfad1",
                "\uffff\uffff",
                "'"));

        List<String> ids = expected == null ? List.of() : List.of(expected.split(",", -1));

        assertThat(ids("/tasks?limit=3&taskIdPrefix=" + URLEncoder.encode(prefix, StandardCharsets.UTF_8)))
                .isEqualTo(ids);
    }

    @Test
    void includesTheFirstResultsOfEachTask() {
        accept("{\"taskId\": \"none\", \"status\": 0}");
        accept("{\"taskId\": \"one\", \"status\": 1, \"resultUrl\": \"https://x.example/1.png\"}");
        accept("{\"taskId\": \"many\", \"status\": 1, \"avatarResult\": [{\"images\": [" + images(30) + "]}]}");

        JsonNode tasks = json(callboard.manage("/tasks?include=results"));

        assertThat(tasks.at("/0/results")).hasSize(20);
        assertThat(tasks.at("/0/resultsTruncated").asBoolean()).isTrue();
        assertThat(tasks.at("/1/results/0/url").asText()).isEqualTo("https://x.example/1.png");
        assertThat(tasks.at("/1/resultsTruncated").asBoolean(true)).isFalse();
        assertThat(tasks.at("/2/results")).isEmpty();
        assertThat(json(callboard.manage("/tasks")).at("/0").has("results")).isFalse();
    }

    private static String images(int count) {
        return String.join(
                ",",
                IntStream.range(0, count)
                        .mapToObj(i -> "{\"url\": \"https://x.example/" + i + ".png\"}")
                        .toList());
    }

    @Test
    void endsAPageThatIsTooLong() {
        for (int i = 0; i < 4; i++) {
            accept("{\"taskId\": \"long-" + i + "\", \"status\": 1, \"resultUrl\": \"https://x.example/"
                    + "x".repeat(600_000) + "\"}");
        }
        List<HttpResponse<String>> pages = pages("/tasks?include=results");

        assertThat(pages).hasSize(2).allSatisfy(page -> assertThat(page.body()).hasSizeLessThan(1_300_000));
        assertThat(ids("/tasks?include=results")).containsExactly("long-3", "long-2", "long-1", "long-0");
    }

    // ---- one task ----

    @Test
    void showsTheCallbacksOfATaskInPages() {
        accept("{\"taskId\": \"shown\", \"status\": 0}");
        for (int i = 0; i < 6; i++) {
            insertCallback("shown", "payload " + i);
        }

        List<JsonNode> pages = pages("/tasks/fotor/shown?limit=3").stream()
                .map(LookupTest::json)
                .toList();

        assertThat(pages)
                .hasSize(3)
                .allSatisfy(page -> assertThat(page.at("/task/taskId").asText()).isEqualTo("shown"));
        List<String> payloads = pages.stream()
                .flatMap(page -> page.at("/callbacks").findValuesAsText("payload").stream())
                .toList();
        assertThat(payloads.subList(0, 6))
                .containsExactlyInAnyOrder(
                        "payload 0", "payload 1", "payload 2", "payload 3", "payload 4", "payload 5");
        assertThat(payloads).last().asString().contains("shown");
    }

    @Test
    void showsTheResultsOfATaskInPagesBesideItsCallbacks() {
        accept("{\"taskId\": \"shown\", \"status\": 1, \"avatarResult\": [{\"images\": [" + images(7) + "]}]}");
        insertCallback("shown", "another");

        List<JsonNode> pages = pages("/tasks/fotor/shown?limit=3").stream()
                .map(LookupTest::json)
                .toList();

        assertThat(pages).extracting(page -> page.at("/results").size()).containsExactly(3, 3, 1);
        assertThat(pages).extracting(page -> page.at("/callbacks").size()).containsExactly(2, 0, 0);
        assertThat(pages.stream().flatMap(page -> page.at("/results").findValuesAsText("url").stream()))
                .doesNotHaveDuplicates()
                .hasSize(7);
    }

    @Test
    void cutsPayloadsUnlessTheyAreAskedFor() {
        String payload = "x".repeat(3999) + "\ud83c\udfad" + "y".repeat(300_000);
        accept("{\"taskId\": \"shown\", \"status\": 0}");
        insertCallback("shown", payload);

        JsonNode cut = json(callboard.manage("/tasks/fotor/shown")).at("/callbacks");
        JsonNode full =
                json(callboard.manage("/tasks/fotor/shown?payloads=full")).at("/callbacks");

        assertThat(cut.at("/0/payload").asText()).isEqualTo("x".repeat(3999));
        assertThat(cut.at("/0/payloadTruncated").asBoolean()).isTrue();
        assertThat(cut.at("/1/payloadTruncated").asBoolean(true)).isFalse();
        assertThat(full.at("/0/payload").asText()).isEqualTo(payload);
        assertThat(full.at("/0/payloadTruncated").asBoolean(true)).isFalse();
    }

    @Test
    void endsAPageOfPayloadsThatIsTooLong() {
        accept("{\"taskId\": \"shown\", \"status\": 0}");
        for (int i = 0; i < 4; i++) {
            insertCallback("shown", i + "x".repeat(600_000));
        }

        List<HttpResponse<String>> pages = pages("/tasks/fotor/shown?payloads=full");

        assertThat(pages).hasSize(3).allSatisfy(page -> assertThat(page.body()).hasSizeLessThan(1_300_000));
        assertThat(pages.stream().mapToInt(page -> json(page).at("/callbacks").size()))
                .containsExactly(2, 2, 1);
    }

    // ---- mails ----

    @Test
    void findsMailsByStateAndThoseThatARecipientRefusedBehindNewerOnes() {
        update("DELETE FROM mail", List.of(List.of()));
        update(
                INSERT_MAIL,
                List.of(
                        List.of("bounced", 1, "bounced", "bounced"),
                        List.of("partly", 2, "sent", "sent"),
                        List.of("pending", 3, "pending", "pending"),
                        List.of("suppressed", 4, "suppressed", "suppressed")));
        update(
                "INSERT INTO mail_recipient (mail_id, address, state) VALUES (?, ?, ?)",
                List.of(
                        List.of("bounced", "a@example.test", "rejected"),
                        List.of("partly", "a@example.test", "rejected"),
                        List.of("partly", "b@example.test", "accepted")));
        update(
                INSERT_MAIL,
                IntStream.range(5, 130)
                        .<List<Object>>mapToObj(i -> List.of("newer-" + i, i, "sent", "sent"))
                        .toList());

        assertThat(mails("/mails?state=bounced")).containsExactly("bounced");
        assertThat(mails("/mails?state=pending")).containsExactly("pending");
        assertThat(mails("/mails?state=suppressed")).containsExactly("suppressed");
        assertThat(mails("/mails?refused=true")).containsExactly("partly", "bounced");
        assertThat(mails("/mails?refused=true&state=sent")).containsExactly("partly");
        assertThat(mails("/mails?state=sent&limit=60")).hasSize(126).contains("partly");
        assertThat(pages("/mails")).hasSize(2);
        assertThat(mails("/mails")).hasSize(129).endsWith("suppressed", "pending", "partly", "bounced");
        update("DELETE FROM mail", List.of(List.of()));
    }

    // ---- what is not as expected ----

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/tasks?colour=red                          | colour",
                "/tasks?Outcome=failed                      | Outcome",
                "/tasks?limit=many                          | limit",
                "/tasks?limit=-1                            | limit",
                "/tasks?limit=1.5                           | limit",
                "/tasks?limit=1&limit=2                     | limit",
                "/tasks?outcome=lost                        | outcome",
                "/tasks?outcome=%00                         | outcome",
                "/tasks?outcome=failed&outcome=completed    | outcome",
                "/tasks?provider=%00                        | provider",
                "/tasks?provider=%27%20OR%201=1             | provider",
                "/tasks?type=                               | type",
                "/tasks?type=a%00                           | type",
                "/tasks?businessId=%FF                      | businessId",
                "/tasks?businessId=%00                      | businessId",
                "/tasks?taskIdPrefix=                       | taskIdPrefix",
                "/tasks?taskIdPrefix=%00                    | taskIdPrefix",
                "/tasks?changedSince=yesterday              | changedSince",
                "/tasks?changedUntil=2026-11-24T10:00:00    | changedUntil",
                "/tasks?include=payloads                    | include",
                "/tasks?cursor=x                            | cursor",
                "/tasks?taskIdPrefix=a&cursor=eA            | cursor",
                "/tasks/fotor/1?taskId=2                    | taskId",
                "/tasks/fotor/1?payloads=some               | payloads",
                "/tasks/fotor/1?cursor=eA                   | cursor",
                "/mails?state=lost                          | state",
                "/mails?refused=false                       | refused",
                "/mails?CamelJdbcParameters=x               | CamelJdbcParameters",
                "/mails?cursor=eA                           | cursor"
            })
    void namesTheParameterThatIsWrong(String request, String parameter) {
        HttpResponse<String> answer = callboard.manage(request);

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(json(answer).at("/errors/0/parameter").asText()).isEqualTo(parameter);
        assertThat(json(answer).at("/errors/0/expected").asText()).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/tasks", "/tasks/fotor/shown", "/mails"})
    void takesNoHeaderForAParameter(String path) {
        accept("{\"taskId\": \"shown\", \"status\": 0}");
        URI uri = URI.create("http://127.0.0.1:" + callboard.managementPort + path);

        HttpResponse<String> answer = TestCallboard.send(HttpRequest.newBuilder(uri)
                .headers(
                        "outcome", "failed", "state", "x", "taskId", "other", "limit", "x", "CamelHttpQuery", "limit=x")
                .build());

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(callboard.manage(path).body());
    }

    // ---- helpers ----

    private static void accept(Given given) {
        accept("{\"taskId\": \"" + given.taskId() + "\", \"status\": " + given.status() + ", \"type\": \""
                + given.type() + "\""
                + (given.businessId() == null ? "" : ", \"businessId\": \"" + given.businessId() + "\"") + "}");
    }

    private static void accept(String body) {
        assertThat(callboard.post("fotor", body).statusCode()).isEqualTo(200);
    }

    /** Inserts tasks that all changed at the same time. */
    private static void insertTasks(List<String> ids) {
        List<String> shuffled = new ArrayList<>(ids);
        Collections.shuffle(shuffled);
        update(
                "INSERT INTO task (provider, task_id, status, outcome, first_received_at, last_callback_at, changed_at,"
                        + " outcome_since, applied_callback_id, revision, applied_received_at) VALUES ('fotor', ?, '0', 'in_progress',"
                        + " TIMESTAMP WITH TIME ZONE '2026-01-01 00:00:00Z', TIMESTAMP WITH TIME ZONE '2026-01-01 00:00:00Z',"
                        + " TIMESTAMP WITH TIME ZONE '2026-01-01 00:00:00Z', TIMESTAMP WITH TIME ZONE '2026-01-01 00:00:00Z',"
                        + " ?, 1, TIMESTAMP WITH TIME ZONE '2026-01-01 00:00:00Z')",
                shuffled.stream()
                        .<List<Object>>map(id -> List.of(id, UUID.randomUUID()))
                        .toList());
    }

    private static void insertCallback(String taskId, String payload) {
        update(
                INSERT_CALLBACK,
                List.of(List.of(
                        UUID.randomUUID(), taskId, payload, Sha256.of(payload).bytes())));
    }

    private static void update(String sql, List<List<Object>> rows) {
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (List<Object> row : rows) {
                for (int i = 0; i < row.size(); i++) {
                    statement.setObject(i + 1, row.get(i));
                }
                statement.executeUpdate();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> ids(String path) {
        return list(path).stream().map(task -> task.get("taskId").asText()).toList();
    }

    private static List<String> mails(String path) {
        return list(path).stream().map(mail -> mail.get("mailId").asText()).toList();
    }

    /** The rows of all pages. */
    private static List<JsonNode> list(String path) {
        List<JsonNode> rows = new ArrayList<>();
        pages(path).forEach(page -> json(page).forEach(rows::add));
        return rows;
    }

    /** All pages, along the links. */
    private static List<HttpResponse<String>> pages(String path) {
        List<HttpResponse<String>> pages = new ArrayList<>();
        for (String next = path; next != null; next = next(pages.get(pages.size() - 1))) {
            HttpResponse<String> page = callboard.manage(next);
            assertThat(page.statusCode()).as(next).isEqualTo(200);
            pages.add(page);
        }
        return pages;
    }

    private static String next(HttpResponse<String> page) {
        return page.headers()
                .firstValue("Link")
                .map(NEXT::matcher)
                .filter(Matcher::matches)
                .map(link -> link.group(1))
                .orElse(null);
    }

    private static JsonNode json(HttpResponse<String> answer) {
        try {
            return JSON.readTree(answer.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
