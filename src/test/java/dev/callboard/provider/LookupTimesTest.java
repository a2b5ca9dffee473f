package dev.callboard.provider;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Fault;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.SimulatedFotor;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.Waiting;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When tasks are looked up, given up and told as overdue, by a clock that each test sets. */
final class LookupTimesTest {
    private final SettableClock clock = new SettableClock();
    private SimulatedFotor fotor;
    private TestCallboard callboard;

    @BeforeEach
    void start() {
        fotor = new SimulatedFotor(clock);
        callboard = TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.fotor.api-url", fotor.url(),
                        "callboard.fotor.api-key", SimulatedFotor.KEY,
                        "callboard.fotor.lookups-per-second", "10",
                        "callboard.fotor.lookup-after", "5m",
                        "callboard.fotor.give-up-after", "2h",
                        "callboard.fotor.overdue-after", "1h"),
                clock);
        awaitTheFirstLookUp();
    }

    /** What a test does before the look-ups begin would be taken for what was open at the start. */
    private void awaitTheFirstLookUp() {
        String id = started();
        advance(Duration.ofMinutes(5));
        awaitAsked(id, 1);
        fotor.complete(id, "https://pub-static.fotor.com/first.mp4");
        assertThat(callboard.post("fotor", fotor.callback(id)).statusCode()).isEqualTo(200);
    }

    @AfterEach
    void stop() {
        callboard.close();
        fotor.close();
    }

    @Test
    void givesATaskUpAfterTheLastAnswerButNotAfterAFailure() {
        String id = started();
        fotor.misbehaveFor(id, Fault.error(500));
        advance(Duration.ofMinutes(121));
        awaitAsked(id, 1);
        Waiting.soon().untilAsserted(() -> assertThat(nextLookup(id))
                .isEqualTo(clock.instant().plus(Duration.ofHours(1))));

        fotor.behave();
        advance(Duration.ofHours(1));
        awaitAsked(id, 2);
        Waiting.soon().until(() -> nextLookup(id) == null);

        advance(Duration.ofHours(40));
        aFewRounds();
        assertThat(asked(id)).isEqualTo(2);
        callboard.run("count-open-tasks");
        assertThat(callboard.manage("/observe/metrics").body())
                .contains("callboard_tasks_open{provider=\"fotor\"} 1.0")
                .contains("callboard_tasks_oldest_open_seconds{provider=\"fotor\"} 0.0");
    }

    @Test
    void waitsAsLongAsTheProviderAsks() {
        String id = started();
        fotor.misbehaveFor(id, Fault.tooManyRequests(Duration.ofMinutes(10)));
        advance(Duration.ofMinutes(5));
        awaitAsked(id, 1);
        aFewRounds();
        fotor.behave();

        advance(Duration.ofSeconds(599));
        aFewRounds();
        assertThat(asked(id)).isEqualTo(1);

        advance(Duration.ofSeconds(1));
        awaitAsked(id, 2);
    }

    @Test
    void tellsAnOverdueTaskWithoutAnAnswerOnceTheProviderHadFiveMinutes() {
        String id = started();
        fotor.misbehaveFor(id, Fault.tooManyRequests(Duration.ofHours(1)));
        advance(Duration.ofMinutes(64));
        awaitAsked(id, 1);
        aFewRounds();
        assertThat(callboard.alerts(id)).isEmpty();

        advance(Duration.ofMinutes(2));
        Waiting.soon().until(() -> !callboard.alerts(id).isEmpty());
        assertThat(callboard.alerts(id)).hasSize(1).first().satisfies(alert -> assertThat(alert)
                .containsEntry("kind", "overdue")
                .containsEntry("detail", "the provider could not be asked: HTTP 429"));
    }

    @Test
    void tellsAtOnceWhatTheFailureIsOfATaskThatWasAskedFor() {
        String id = started();
        fotor.misbehaveFor(id, Fault.error(500));
        advance(Duration.ofMinutes(61));
        Waiting.soon().until(() -> !callboard.alerts(id).isEmpty());
        assertThat(callboard.alerts(id).get(0)).containsEntry("detail", "the provider could not be asked: HTTP 500");
    }

    @Test
    void doesNotTellAnAnswerFromBeforeTheTaskWasOverdue() {
        String id = started();
        advance(Duration.ofMinutes(5));
        awaitAsked(id, 1);
        Waiting.soon().until(() -> openRow(id).get("last_answer") != null);
        fotor.misbehaveFor(id, Fault.tooManyRequests(Duration.ofMinutes(60)));
        advance(Duration.ofMinutes(50));
        awaitAsked(id, 2);

        advance(Duration.ofMinutes(14));
        Waiting.soon().until(() -> !callboard.alerts(id).isEmpty());
        assertThat(callboard.alerts(id).get(0)).containsEntry("detail", "the provider could not be asked: HTTP 429");
    }

    @Test
    void asksForAQuarterOfAnHourAfterAStartBeforeItTells() {
        String id = started();
        fotor.misbehaveFor(id, Fault.tooManyRequests(Duration.ofHours(1)));
        callboard.stop();
        clock.advance(Duration.ofHours(3));
        callboard.startAgain();
        awaitAsked(id, 1);
        advance(Duration.ofMinutes(14));
        aFewRounds();
        assertThat(callboard.alerts(id)).isEmpty();

        advance(Duration.ofMinutes(2));
        Waiting.soon().until(() -> !callboard.alerts(id).isEmpty());
    }

    @Test
    void asksAboutAllOpenTasksAtTheStartALittleAtATime() {
        List<String> ids = IntStream.range(0, 40).mapToObj(i -> started()).toList();
        callboard.stop();
        clock.advance(Duration.ofMinutes(1));
        Instant start = clock.instant();
        callboard.startAgain();
        // Half of the ten a second that the settings allow.
        Waiting.soon().untilAsserted(() -> assertThat(nextLookups(ids))
                .isEqualTo(IntStream.range(1, 40)
                        .mapToObj(place -> start.plusMillis(200L * place))
                        .toList()));
        assertThat(ids.stream().mapToInt(this::asked).sum()).isEqualTo(1);
    }

    @Test
    void goesOnOnceALookUpByHandShowsThatTheKeyIsAcceptedAgain() throws Exception {
        String id = started();
        fotor.misbehaveFor(id, Fault.error(401));
        advance(Duration.ofMinutes(5));
        awaitAsked(id, 1);
        Waiting.soon().until(() -> !callboard
                .rows("SELECT * FROM alert WHERE kind = 'lookup_refused'")
                .isEmpty());
        fotor.behave();
        advance(Duration.ofMinutes(30));
        aFewRounds();
        assertThat(asked(id)).isEqualTo(1);

        JsonNode answer = new ObjectMapper()
                .readTree(SimulatedProviders.lookUp(callboard, "fotor", id).body());
        assertThat(answer.at("/result").asText()).isEqualTo("unchanged");
        awaitAsked(id, 3);
    }

    private String started() {
        String id = fotor.start("videoEnhancer").id();
        fotor.progress(id);
        assertThat(callboard.post("fotor", fotor.callback(id)).statusCode()).isEqualTo(200);
        return id;
    }

    private void advance(Duration by) {
        clock.advance(by);
    }

    /** Time for what must not happen: the provider's tasks are looked for every second. */
    private static void aFewRounds() {
        try {
            Thread.sleep(2500);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private int asked(String id) {
        return fotor.requests().byTask().getOrDefault(id, 0);
    }

    private void awaitAsked(String id, int times) {
        Waiting.soon().until(() -> asked(id) >= times);
    }

    private Map<String, Object> openRow(String id) {
        return callboard.rows("SELECT * FROM open_task WHERE task_id = ?", id).get(0);
    }

    private Instant nextLookup(String id) {
        OffsetDateTime next = (OffsetDateTime) openRow(id).get("next_lookup_at");
        return next == null ? null : next.toInstant();
    }

    /** Of those that are not looked up yet, the earliest first. */
    private List<Instant> nextLookups(List<String> ids) {
        List<Instant> times = new ArrayList<>();
        ids.stream().filter(id -> asked(id) == 0).forEach(id -> times.add(nextLookup(id)));
        return times.stream().sorted().toList();
    }
}
