package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.EventReceiver;
import dev.callboard.testkit.EventRecipes;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.Waiting;
import java.net.URI;
import java.net.http.HttpRequest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The recipes of the README's chapter on events, word for word but for the addresses. */
final class RecipesTest {
    private static final String DONE =
            "{\"taskId\": \"%s\", \"status\": 1, \"type\": \"%s\", \"resultUrl\": \"https://a.example/%s\"}";

    private static void post(TestCallboard callboard, String body) {
        assertThat(callboard.post("fotor?ref=order-7", body).statusCode()).isEqualTo(200);
    }

    private static void awaitDelivered(TestCallboard callboard, int count) {
        Waiting.soon().untilAsserted(() -> assertThat(callboard.rows("SELECT 1 FROM event WHERE state = 'delivered'"))
                .hasSize(count));
    }

    @Test
    void tellsOnlyOfCompletedVideos() {
        try (EventReceiver receiver = new EventReceiver();
                TestCallboard callboard = TestCallboard.start(
                        Backend.H2,
                        Map.of(
                                "callboard.events.url", receiver.url(),
                                "callboard.routes", EventRecipes.routes(EventRecipes.ONLY_VIDEOS.text())))) {
            post(callboard, "{\"taskId\": \"video\", \"status\": 0}");
            post(callboard, DONE.formatted("video", "videoEnhancer", "v.mp4"));
            post(callboard, DONE.formatted("image", "avatar", "i.png"));
            post(callboard, "{\"taskId\": \"failed\", \"status\": 2}");
            awaitDelivered(callboard, 4);

            assertThat(receiver.requests()).hasSize(1).first().satisfies(request -> {
                assertThat(request.taskId()).isEqualTo("video");
                assertThat(request.type()).isEqualTo("task.completed");
            });
        }
    }

    @Test
    void sendsAChatMessageBesideTheWebhook() {
        try (EventReceiver receiver = new EventReceiver();
                EventReceiver chat = new EventReceiver();
                TestCallboard callboard = TestCallboard.start(
                        Backend.H2,
                        Map.of(
                                "callboard.events.url",
                                receiver.url(),
                                "callboard.routes",
                                EventRecipes.routes(EventRecipes.CHAT
                                        .text()
                                        .replace(
                                                "https://ntfy.sh/my-shop",
                                                chat.url().replaceFirst("\\?.*", "")))))) {
            post(callboard, "{\"taskId\": \"a\", \"status\": 0}");
            post(callboard, DONE.formatted("a", "avatar", "i.png"));
            awaitDelivered(callboard, 2);

            assertThat(receiver.requests()).hasSize(2);
            assertThat(chat.requests()).hasSize(1).first().satisfies(request -> {
                assertThat(request.body()).isEqualTo("fotor has completed order-7 (a)");
                assertThat(request.headers()).containsEntry("content-type", "text/plain; charset=utf-8");
            });
        }
    }

    @Test
    void writesARowIntoATableOfTheShop() throws Exception {
        Map<String, String> shop = Backend.POSTGRESQL.newDatabase(TestCallboard.newFolder());
        String url = shop.get("callboard.database.url");
        String user = shop.get("callboard.database.user");
        String password = shop.getOrDefault("callboard.database.password", "");
        try (Connection connection = DriverManager.getConnection(url, user, password);
                Statement statement = connection.createStatement()) {
            statement.execute(EventRecipes.TABLE.text());
            String steps = EventRecipes.ROW
                    .text()
                    .replace("jdbc:postgresql://127.0.0.1:5432/shop", url)
                    .replace("username: shop", "username: \"" + user + "\"")
                    .replace("\"{{env:SHOP_PASSWORD}}\"", "\"" + password + "\"");
            try (TestCallboard callboard =
                    TestCallboard.start(Backend.H2, Map.of("callboard.routes", EventRecipes.routes(steps)))) {
                post(callboard, DONE.formatted("it's; done", "avatar", "i.png"));
                awaitDelivered(callboard, 1);
                String id = callboard
                        .rows("SELECT event_id FROM event")
                        .get(0)
                        .get("event_id")
                        .toString();
                TestCallboard.send(HttpRequest.newBuilder(
                                URI.create("http://127.0.0.1:" + callboard.managementPort + "/events/" + id + "/retry"))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build());
                awaitDelivered(callboard, 1);

                try (ResultSet row = statement.executeQuery("SELECT * FROM task_event")) {
                    assertThat(row.next()).isTrue();
                    assertThat(row.getString("event_id")).isEqualTo(id);
                    assertThat(row.getString("task_id")).isEqualTo("it's; done");
                    assertThat(row.getString("outcome")).isEqualTo("completed");
                    assertThat(row.getString("event")).startsWith("{\"type\":\"task.completed\"");
                    assertThat(row.next()).isFalse();
                }
            }
        }
    }
}
