package dev.callboard.provider;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Fault;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.SimulatedFotor;
import dev.callboard.testkit.Waiting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers of a provider that say nothing of the task. */
final class LookupFaultsTest extends SimulatedProviders {
    @BeforeAll
    static void startOnH2() {
        start(Backend.H2);
    }

    @AfterAll
    static void end() {
        stop();
    }

    @ParameterizedTest
    @EnumSource(SimulatedFotor.Unknown.class)
    void notesThatTheProviderDoesNotKnowATask(SimulatedFotor.Unknown form) {
        fotor.answerUnknownWith(form);
        String id = started("videoEnhancer");
        fotor.remove(id);

        Waiting.soon()
                .untilAsserted(() -> assertThat((String) openRows(id).get(0).get("last_answer"))
                        .startsWith("the provider says nothing about it: "));
        assertThat(callboard.task("fotor", id).at("/task/outcome").asText()).isEqualTo("in_progress");
    }

    @ParameterizedTest
    @ValueSource(strings = {"500", "broken", "endless", "redirect", "another", "reset", "429", "429 2"})
    void goesOnOnceTheProviderAnswersAgain(String fault) {
        String other = fotor.start("videoEnhancer").id();
        String id = started("videoEnhancer");
        fotor.complete(id, "https://pub-static.fotor.com/y.mp4");
        int before = asked(id);
        fotor.misbehaveFor(
                id,
                switch (fault) {
                    case "500" -> Fault.error(500);
                    case "broken" -> Fault.brokenJson();
                    case "endless" -> Fault.endless();
                    case "redirect" -> Fault.redirect();
                    case "another" -> Fault.anotherTask();
                    case "reset" -> Fault.reset();
                    case "429" -> Fault.tooManyRequests((String) null);
                    default -> Fault.tooManyRequests(Duration.ofSeconds(2));
                });
        Waiting.soon().until(() -> asked(id) > before);
        assertThat(callboard.rows("SELECT * FROM callback WHERE task_id = ?", id))
                .hasSize(1);
        fotor.behave();

        awaitOutcome("fotor", id, "completed");
        assertThat(callboard.rows("SELECT * FROM task WHERE task_id = ?", other))
                .isEmpty();
        assertThat(fotor.elsewhere().total()).isZero();
        assertThat(fotor.requests().credentials()).containsExactly("Authorization: Bearer " + SimulatedFotor.KEY);
    }

    @ParameterizedTest
    @MethodSource("answersThatAreNoList")
    void takesNothingButAListForTheTasksOfAFamily(String answer) {
        String id = startedAtCreatify("aurora");
        creatify.complete(id, "https://cdn.creatify.ai/" + id + ".mp4");
        try (Logged logged = new Logged()) {
            creatify.misbehaveFor(id, exchange -> exchange.answer(200, answer));
            Waiting.soon().untilAsserted(() -> assertThat(openRows(id).get(0).get("last_answer"))
                    .isEqualTo("the provider could not be asked: the answer is no JSON array"));
            assertThat(logged.lines()).noneMatch(line -> line.contains("look-up failed"));
        }
        creatify.behave();

        awaitOutcome("creatify", id, "completed");
    }

    private static Stream<String> answersThatAreNoList() {
        return Stream.of(
                "\"" + ",".repeat(100_000) + "\"",
                "{\"detail\":\"Not found.\"}",
                "{\"results\":[]}",
                "null",
                "5",
                "true");
    }

    @Test
    void findsTheTasksThatAnUnknownOneIsAskedForWith() {
        String unknown = startedAtCreatify("ads_clone");
        creatify.misbehaveFor(unknown, Fault.error(404));
        List<String> others = List.of(startedAtCreatify("ads_clone"), startedAtCreatify("ads_clone"));
        List<String> together = new ArrayList<>(others);
        together.add(unknown);
        together.forEach(id -> update("UPDATE open_task SET lookups = 0, last_answer = NULL, next_lookup_at ="
                + " CURRENT_TIMESTAMP + INTERVAL '2' SECOND WHERE task_id = '" + id + "'"));
        Waiting.soon().untilAsserted(() -> assertThat(openRows(unknown).get(0).get("last_answer"))
                .isEqualTo("the provider says nothing about it: HTTP 404"));

        others.forEach(id -> Waiting.soon()
                .untilAsserted(() -> assertThat(openRows(id).get(0).get("last_answer"))
                        .isEqualTo("the provider answers: status running")));
    }

    @Test
    void sendsNoIdThatIsNotSafeInAUrl() throws Exception {
        String id = "../../../" + UUID.randomUUID();
        int before = fotor.requests().total();
        assertThat(callboard
                        .post("fotor", "{\"taskId\":\"" + id + "\",\"status\":0,\"type\":\"avatar\"}")
                        .statusCode())
                .isEqualTo(200);
        Waiting.soon()
                .untilAsserted(() -> assertThat((String) openRows(id).get(0).get("last_answer"))
                        .contains("its id can't be part of a URL"));
        assertThat(fotor.requests().byPath().keySet()).noneMatch(path -> path.contains(".."));
        assertThat(fotor.requests().total()).isGreaterThanOrEqualTo(before);
    }
}
