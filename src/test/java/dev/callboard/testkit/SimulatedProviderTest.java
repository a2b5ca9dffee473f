package dev.callboard.testkit;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the simulated providers answer: the documented bodies, and each fault. */
final class SimulatedProviderTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final HttpClient REDIRECTED =
            HttpClient.newBuilder().followRedirects(HttpClient.Redirect.ALWAYS).build();
    private static final String PHOTO = "https://cdn.example.com/out/42.png";
    private static final String VIDEO = "https://cdn.example.com/out/42.mp4";

    private final SettableClock clock = new SettableClock(Instant.parse("2026-03-01T12:00:00.123456Z"));
    private final SimulatedFotor fotor = new SimulatedFotor(clock);
    private final SimulatedCreatify creatify = new SimulatedCreatify(clock);

    @AfterEach
    void close() {
        fotor.close();
        creatify.close();
    }

    private HttpRequest.Builder fotorRequest(String id) {
        return HttpRequest.newBuilder(URI.create(fotor.url() + "/v1/aiart/tasks/" + id))
                .header("Authorization", "Bearer " + SimulatedFotor.KEY);
    }

    private HttpRequest.Builder creatifyRequest(String path) {
        return HttpRequest.newBuilder(URI.create(creatify.url() + "/api/" + path))
                .header("X-API-ID", SimulatedCreatify.API_ID)
                .header("X-API-KEY", SimulatedCreatify.API_KEY);
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return CLIENT.send(request.build(), BodyHandlers.ofString());
    }

    private static JsonNode json(HttpResponse<String> answer) throws IOException {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body());
    }

    private JsonNode atFotor(String id) throws Exception {
        return json(send(fotorRequest(id)));
    }

    private JsonNode atCreatify(SimulatedTask task) throws Exception {
        return json(send(creatifyRequest(task.type() + "/" + task.id() + "/")));
    }

    // The documented answers

    @Test
    void fotorAnswersWithTheTaskInItsEnvelope() throws Exception {
        String id = fotor.start("videoEnhancer").id();
        clock.advance(Duration.ofSeconds(75));
        fotor.complete(id, VIDEO);

        assertThat(atFotor(id))
                .isEqualTo(JSON.readTree(
                        """
                        {"code": "000", "msg": "success", "data": {
                          "taskId": "%s", "createTime": 1772366400123, "updateTime": 1772366475123, "status": 1,
                          "businessId": "75f15294e55540e198bb19cc0a068fd2", "type": "videoEnhancer",
                          "resultUrl": "%s", "hasHsfw": false}}"""
                                .formatted(id, VIDEO)));
        assertThat(JSON.readTree(fotor.callback(id)))
                .isEqualTo(JSON.readTree(
                        """
                        {"taskId": "%s", "status": 1, "businessId": "75f15294e55540e198bb19cc0a068fd2",
                         "type": "videoEnhancer", "resultUrl": "%s"}"""
                                .formatted(id, VIDEO)));
        assertThat(fotor.lookup(id)).isEqualTo(send(fotorRequest(id)).body());
    }

    @Test
    void fotorStatesTheStatusAndTheReasonOfAFailure() throws Exception {
        String id = fotor.start("videoEnhancer").id();
        assertThat(atFotor(id).at("/data/status").intValue()).isEqualTo(0);

        fotor.fail(id, "no face found");
        assertThat(atFotor(id).at("/data/status").intValue()).isEqualTo(2);
        assertThat(atFotor(id).at("/msg").asText()).isEqualTo("no face found");

        fotor.refuse(id);
        assertThat(atFotor(id).at("/msg").asText()).isEqualTo("success");
        assertThat(atFotor(id).at("/data/hasHsfw").booleanValue()).isTrue();
        assertThat(JSON.readTree(fotor.callback(id)).has("hasHsfw")).isFalse();
    }

    @Test
    void fotorListsTheImagesOfAnAvatarAndTheScenesOfAListing() throws Exception {
        String avatar = fotor.start("avatar").id();
        fotor.complete(avatar, PHOTO, PHOTO + "?2");
        assertThat(atFotor(avatar).at("/data/resultUrl").asText()).isEmpty();
        assertThat(atFotor(avatar).at("/data/avatarResult/1/images/0/url").asText())
                .isEqualTo(PHOTO + "?2");
        assertThat(JSON.readTree(fotor.callback(avatar)).at("/avatarResult")).hasSize(2);

        String listing = fotor.start("ecommercelistingset").id();
        fotor.complete(listing, PHOTO);
        fotor.change(listing, task -> task.with("1", "busy", task.urls(), false));
        assertThat(atFotor(listing).at("/data/result"))
                .isEqualTo(JSON.readTree(
                        """
                        [{"name": "scene-1", "success": true, "url": "%s"},
                         {"name": "scene-2", "success": false, "error": "busy"}]"""
                                .formatted(PHOTO)));
    }

    @ParameterizedTest
    @CsvSource({"CODE, 200, 999", "NULL_DATA, 200, 000", "NOT_FOUND, 404, 999"})
    void fotorAnswersForAnUnknownTaskAsATestChooses(SimulatedFotor.Unknown unknown, int status, String code)
            throws Exception {
        fotor.answerUnknownWith(unknown);
        HttpResponse<String> answer = send(fotorRequest("unknown"));

        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(JSON.readTree(answer.body()).at("/code").asText()).isEqualTo(code);
        assertThat(JSON.readTree(answer.body()).at("/data").isNull()).isTrue();
    }

    @Test
    void creatifyAnswersWithTheWholeProductToVideo() throws Exception {
        SimulatedTask task = creatify.start("product_to_videos");
        assertThat(atCreatify(task).at("/status").asText()).isEqualTo("initializing");
        creatify.progress(task.id());
        assertThat(atCreatify(task).at("/status").asText()).isEqualTo("image_generating");
        creatify.complete(task.id(), PHOTO);
        assertThat(atCreatify(task).at("/status").asText()).isEqualTo("image_generated");
        creatify.progress(task.id());
        assertThat(atCreatify(task).at("/status").asText()).isEqualTo("video_generating");
        clock.advance(Duration.ofMinutes(2));
        creatify.complete(task.id(), VIDEO);

        JsonNode found = atCreatify(task);
        assertThat(found.at("/status").asText()).isEqualTo("video_generated");
        assertThat(found.at("/generated_photo_url").asText()).isEqualTo(PHOTO);
        assertThat(found.at("/generated_video_url").asText()).isEqualTo(VIDEO);
        assertThat(found.at("/created_at").asText()).isEqualTo("2026-03-01T05:00:00.123456-07:00");
        assertThat(OffsetDateTime.parse(found.at("/updated_at").asText()).toInstant())
                .isEqualTo(clock.instant());
        assertThat(JSON.readTree(creatify.callback(task.id()))).isEqualTo(found);
    }

    @ParameterizedTest
    @CsvSource({
        "link_to_videos, video_output, video_output",
        "lipsyncs, output, output",
        "lipsyncs_v2, output, output",
        "text_to_speech, video_output, output",
        "aurora, video_output, video_output",
        "ai_shorts, video_output, video_output",
        "ads_clone, video_output, video_output",
        "custom_template_jobs, video_output, output",
        "asset_generator, assets, assets",
        "iab_images, output, output",
        "inspiration_jobs, output, output"
    })
    void creatifyAnswersWithTheLeanBodyOfAFamily(String family, String inCallback, String inLookup) throws Exception {
        creatify.sendDocumentedResults();
        SimulatedTask task = creatify.start(family);
        creatify.complete(task.id(), VIDEO);
        String body = "{\"id\": \"%s\", \"status\": \"done\", \"failed_reason\": null, \"%s\": \"%s\"}";

        JsonNode callback = JSON.readTree(creatify.callback(task.id()));
        assertThat(callback).isEqualTo(JSON.readTree(body.formatted(task.id(), inCallback, VIDEO)));
        JsonNode found = atCreatify(task);
        assertThat(found.at("/" + inLookup).asText()).isEqualTo(VIDEO);
        assertThat(found).hasSize(family.equals("link_to_videos") ? 6 : 4);

        creatify.fail(task.id(), "too short");
        assertThat(atCreatify(task).at("/failed_reason").asText()).isEqualTo("too short");
        creatify.move(task.id(), "rejected");
        assertThat(atCreatify(task).at("/status").asText()).isEqualTo("rejected");
    }

    @ParameterizedTest
    @CsvSource({"asset_generator, /assets/0/thumbnail_url", "iab_images, /output/0/url"})
    void creatifyListsFilesAsItWasSeenTo(String family, String url) throws Exception {
        SimulatedTask task = creatify.start(family);
        creatify.complete(task.id(), PHOTO);
        assertThat(atCreatify(task).at(url).asText()).isEqualTo(PHOTO);
    }

    @Test
    void creatifyAnswersForManyTasksOfAFamilyAtOnce() throws Exception {
        List<String> ids = IntStream.range(0, 3_000)
                .mapToObj(i -> creatify.start("lipsyncs").id())
                .toList();
        String other = creatify.start("aurora").id();
        for (int i = 0; i < ids.size(); i += 99) {
            List<String> some = ids.subList(i, Math.min(i + 99, ids.size()));
            JsonNode found = json(send(creatifyRequest("lipsyncs/?ids=" + String.join(",", some) + "," + other)));
            assertThat(found.findValuesAsText("id")).containsExactlyInAnyOrderElementsOf(some);
        }
        assertThat(creatify.requests().total()).isEqualTo(31);
        assertThat(creatify.requests().byPath()).containsOnlyKeys("/api/lipsyncs/");
        assertThat(creatify.requests().byTask()).containsEntry(other, 31).hasSize(3_001);
        assertThat(ids).allMatch(id -> creatify.requests().byTask().get(id) == 1);
    }

    @Test
    void creatifyRejectsMoreThanAHundredTasksAtOnce() throws Exception {
        assertThat(send(creatifyRequest("lipsyncs/?ids=unknown")).body()).isEqualTo("[]");
        String ids = String.join(
                ",", IntStream.range(0, 101).mapToObj(String::valueOf).toList());
        assertThat(send(creatifyRequest("lipsyncs/?ids=" + ids)).statusCode()).isEqualTo(400);
    }

    @Test
    void creatifyFindsATaskInItsFamilyOnly() throws Exception {
        HttpResponse<String> answer =
                send(creatifyRequest("aurora/" + creatify.start("lipsyncs").id() + "/"));
        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(answer.body()).isEqualTo("{\"detail\":\"No Task matches the given query.\"}");
    }

    @Test
    void creatifyHasNoOtherFamily() {
        assertThatThrownBy(() -> creatify.start("others")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void creatifyKnowsNoOtherPath() throws Exception {
        String id = creatify.start("lipsyncs").id();
        for (String path : List.of("lipsyncs/" + id, "lipsyncs/", "others/" + id + "/", "lipsyncs/" + id + "/x/")) {
            assertThat(send(creatifyRequest(path)).statusCode()).as(path).isEqualTo(404);
        }
        assertThat(send(creatifyRequest("lipsyncs/" + id + "/").DELETE()).statusCode())
                .isEqualTo(405);
    }

    @Test
    void keysAreCheckedAndRecorded() throws Exception {
        String id = fotor.start("avatar").id();
        HttpRequest.Builder wrong = fotorRequest(id).setHeader("Authorization", "Bearer wrong");
        assertThat(send(wrong).statusCode()).isEqualTo(401);
        atFotor(id);
        assertThat(fotor.requests().credentials())
                .isEqualTo(Set.of("Authorization: Bearer wrong", "Authorization: Bearer fotor-key"));

        HttpResponse<String> answer =
                send(HttpRequest.newBuilder(URI.create(creatify.url() + "/api/lipsyncs/?ids=" + id))
                        .header("X-API-ID", SimulatedCreatify.API_ID));
        assertThat(answer.statusCode()).isEqualTo(401);
        assertThat(answer.body()).isEqualTo("{\"detail\":\"Authentication credentials were not provided.\"}");
        assertThat(creatify.requests().credentials()).isEqualTo(Set.of("X-API-ID: creatify-id"));
    }

    @Test
    void theGreatestNumberInASecondIsOfAnySecond() {
        ReceivedRequests requests = new ReceivedRequests();
        for (int ms : new int[] {0, 600, 900, 1_200, 1_599, 1_600, 3_000}) {
            requests.add("/", List.of(), List.of(), Long.MAX_VALUE + TimeUnit.MILLISECONDS.toNanos(ms));
        }
        assertThat(requests.greatestInASecond()).isEqualTo(4);
        assertThat(requests.total()).isEqualTo(7);
    }

    // Faults

    @ParameterizedTest
    @ValueSource(ints = {401, 404, 429, 500})
    void answersWithAnError(int status) throws Exception {
        fotor.misbehave(Fault.error(status));
        HttpResponse<String> answer = send(fotorRequest(fotor.start("avatar").id()));
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().map()).doesNotContainKey("retry-after");
        assertThat(JSON.readTree(answer.body()).at("/data").isNull()).isTrue();
    }

    @Test
    void answers429WithATimeToRetryAfter() throws Exception {
        String id = fotor.start("avatar").id();
        fotor.misbehave(1, Fault.tooManyRequests(Duration.ofSeconds(30)));
        fotor.misbehave(1, Fault.tooManyRequests(Instant.parse("2026-03-01T12:00:30Z")));
        for (String retryAfter : List.of("30", "Sun, 01 Mar 2026 12:00:30 GMT")) {
            HttpResponse<String> answer = send(fotorRequest(id));
            assertThat(answer.statusCode()).isEqualTo(429);
            assertThat(answer.headers().firstValue("Retry-After")).contains(retryAfter);
        }
        atFotor(id);
    }

    @Test
    void misbehavesForTheNextRequestsThenForAllUntilItBehaves() throws Exception {
        String id = fotor.start("avatar").id();
        fotor.misbehave(Fault.error(503));
        fotor.misbehave(2, Fault.error(500));
        for (int status : new int[] {500, 500, 503, 503}) {
            assertThat(send(fotorRequest(id)).statusCode()).isEqualTo(status);
        }
        fotor.behave();
        atFotor(id);
    }

    @Test
    void misbehavesForOneTaskAloneOrWithOthers() throws Exception {
        SimulatedTask good = creatify.start("lipsyncs");
        SimulatedTask bad = creatify.start("lipsyncs");
        creatify.misbehaveFor(bad.id(), Fault.anotherTask());

        atCreatify(good);
        assertThat(atCreatify(bad).at("/id").asText()).isNotEqualTo(bad.id()).hasSize(36);
        JsonNode found = json(send(creatifyRequest("lipsyncs/?ids=" + good.id() + "," + bad.id())));
        assertThat(found.findValuesAsText("id")).hasSize(2).contains(good.id()).doesNotContain(bad.id());
    }

    @Test
    void answersLater() throws Exception {
        String id = fotor.start("avatar").id();
        fotor.misbehave(1, Fault.delay(Duration.ofMillis(200)));
        long start = System.nanoTime();
        atFotor(id);
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(200));
    }

    @Test
    void answersWithWhatHeldBeforeWhenATestPermitsIt() throws Exception {
        String id = fotor.start("videoEnhancer").id();
        CompletableFuture<Void> permitted = new CompletableFuture<>();
        fotor.misbehave(1, Fault.until(permitted));
        CompletableFuture<HttpResponse<String>> answer =
                CLIENT.sendAsync(fotorRequest(id).build(), BodyHandlers.ofString());
        soon().until(() -> fotor.requests().total() == 1);

        fotor.complete(id, VIDEO);
        assertThat(atFotor(id).at("/data/status").intValue()).isEqualTo(1);
        assertThat(answer).isNotDone();
        permitted.complete(null);
        assertThat(json(answer.get(20, TimeUnit.SECONDS)).at("/data/status").intValue())
                .isEqualTo(0);
    }

    @Test
    void answersWithBrokenJson() throws Exception {
        String id = fotor.start("avatar").id();
        fotor.misbehave(Fault.brokenJson());
        String body = send(fotorRequest(id)).body();
        assertThat(fotor.lookup(id)).startsWith(body);
        assertThatThrownBy(() -> JSON.readTree(body)).isInstanceOf(IOException.class);
    }

    @Test
    void answersWithoutEndUntilTheClientCloses() throws Exception {
        String id = fotor.start("avatar").id();
        fotor.misbehave(1, Fault.endless());
        try (InputStream body = CLIENT.send(fotorRequest(id).build(), BodyHandlers.ofInputStream())
                .body()) {
            assertThat(body.readNBytes(4 << 20)).startsWith('{', '"').hasSize(4 << 20);
            atFotor(id);
            assertThat(fotor.abandoned()).isZero();
        }
        soon().until(() -> fotor.abandoned() == 1);
        atFotor(id);
    }

    @Test
    void answersByteByByte() throws Exception {
        String id = fotor.start("avatar").id();
        fotor.misbehave(1, Fault.trickle(Duration.ofMillis(1)));
        assertThat(send(fotorRequest(id)).body()).isEqualTo(fotor.lookup(id));

        fotor.misbehave(1, Fault.trickle(Duration.ofMillis(100)));
        long start = System.nanoTime();
        try (InputStream body = CLIENT.send(fotorRequest(id).build(), BodyHandlers.ofInputStream())
                .body()) {
            assertThat(body.readNBytes(3)).asString().isEqualTo("{\"c");
        }
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(300));
        soon().until(() -> fotor.abandoned() == 1);
    }

    @Test
    void redirectsToAnotherHostThatRecordsTheKeysItReceives() throws Exception {
        String id = fotor.start("avatar").id();
        fotor.misbehave(Fault.redirect());
        HttpResponse<String> answer = send(fotorRequest(id));
        assertThat(answer.statusCode()).isEqualTo(302);
        assertThat(answer.headers().firstValue("Location").orElseThrow())
                .matches("http://127.0.0.1:\\d+/v1/aiart/tasks/" + id)
                .doesNotStartWith(fotor.url());
        assertThat(fotor.elsewhere().total()).isZero();

        HttpResponse<String> followed = REDIRECTED.send(
                fotorRequest(id).header("X-API-KEY", "carried along").build(), BodyHandlers.ofString());
        assertThat(followed.body()).isEqualTo(fotor.lookup(id));
        assertThat(fotor.elsewhere().byTask()).containsEntry(id, 1);
        assertThat(fotor.elsewhere().credentials()).contains("X-API-KEY: carried along");
        assertThat(fotor.requests().total()).isEqualTo(2);
    }

    @Test
    void resetsTheConnection() throws Exception {
        String id = fotor.start("avatar").id();
        fotor.misbehave(Fault.reset());
        try (Socket socket = new Socket(
                InetAddress.getLoopbackAddress(), URI.create(fotor.url()).getPort())) {
            socket.setSoTimeout(20_000);
            String request = "GET /v1/aiart/tasks/" + id + " HTTP/1.1\r\nHost: fotor\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            assertThatThrownBy(() -> socket.getInputStream().read())
                    .isInstanceOf(SocketException.class)
                    .hasMessage("Connection reset");
        }
        assertThatThrownBy(() -> send(fotorRequest(id))).isInstanceOf(IOException.class);

        fotor.behave();
        atFotor(id);
        assertThat(fotor.abandoned()).isZero();
    }
}
