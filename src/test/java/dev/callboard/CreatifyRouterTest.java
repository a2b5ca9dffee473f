package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.MAP;
import static org.assertj.core.api.InstanceOfAssertFactories.list;

import dev.callboard.testkit.RouterTest;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The router of {@code routes/creatify.camel.yaml}, as an example to copy for a provider of your own. */
class CreatifyRouterTest extends RouterTest {
    CreatifyRouterTest() {
        super("creatify");
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "initializing, in_progress,",
        "image_generating, in_progress,",
        "video_generating, in_progress,",
        "image_generated, completed, no_result",
        "video_generated, completed, no_result",
        "pending, in_progress,",
        "in_queue, in_progress,",
        "running, in_progress,",
        "generating, in_progress,",
        "done, completed, no_result",
        "failed, failed, failed",
        "rejected, failed, failed",
        "paused, unknown, unknown",
        "Done, unknown, unknown",
        "'failed,rejected', unknown, unknown",
        "null, unknown, unknown"
    })
    void mapsEachStatusToAnOutcome(String status, String outcome, String alert) throws Exception {
        Exchange recorded = route("{\"id\": \"t-1\", \"status\": \"" + status + "\"}");

        assertThat(recorded.getVariable("taskId")).isEqualTo("t-1");
        assertThat(recorded.getVariable("outcome")).isEqualTo(outcome);
        assertThat(recorded.getVariable("alert")).isEqualTo(alert);
    }

    @Test
    void listsTheFilesOfACallback() throws Exception {
        Exchange recorded = route(
                """
                {"id": "t-1", "status": "video_generated", "updated_at": "2025-05-30T04:11:05.751592-07:00",
                 "generated_photo_url": "https://files.example.com/1.png",
                 "generated_video_url": "https://files.example.com/1.mp4"}""");

        assertThat(recorded.getVariable("occurredAt")).isEqualTo("2025-05-30T04:11:05.751592-07:00");
        assertThat(recorded.getVariable("results"))
                .asInstanceOf(list(Map.class))
                .extracting(file -> file.get("kind"))
                .containsExactly("image", "video");
        assertThat(recorded.getVariable("alert")).isNull();
    }

    @Test
    void listsTheDetailsOfAFailedTask() throws Exception {
        Exchange recorded = route(
                """
                {"id": "t-1", "status": "failed", "failed_reason": "No credits", "video_prompt": "slow push in",
                 "generated_photo_url": "https://files.example.com/1.png"}""");

        assertThat(recorded.getVariable("failureReason")).isEqualTo("No credits");
        assertThat(recorded.getVariable("details"))
                .asInstanceOf(MAP)
                .containsEntry("Video prompt", "slow push in")
                .containsEntry("Image exists", "yes");
    }

    @ParameterizedTest(name = "{0} in the URL and {1} is {2}")
    @CsvSource(
            delimiter = '|',
            nullValues = "none",
            value = {
                "none       | {'status': 'done'}                                             | none",
                "lipsyncs   | {'status': 'done'}                                             | lipsyncs",
                "iab_images | {'status': 'failed', 'type': 'banner'}                         | iab_images",
                "lipsynch   | {'status': 'done'}                                             | none",
                "'a,b'      | {'status': 'done'}                                             | none",
                "none       | {'status': 'failed', 'type': 'product_avatar'}                 | product_to_videos",
                "none       | {'status': 'image_generating'}                                 | product_to_videos",
                "none       | {'status': 'failed', 'generated_photo_url': 'https://x.ex/1'}  | product_to_videos",
                "lipsyncs   | {'status': 'done', 'generated_video_url': 'https://x.ex/1'}    | product_to_videos",
                "lipsyncs   | {'status': 'done', 'generated_video_url': null, 'type': null}  | lipsyncs",
                "lipsyncs   | {'status': 'done', 'type': ['product_avatar', {}, null]}       | lipsyncs",
                "lipsyncs   | {'status': 'done', 'type': 5}                                  | lipsyncs",
                "lipsyncs   | {'status': 'done', 'type': true}                               | lipsyncs",
                "none       | {'status': 'failed', 'type': 'product_avatar,product_anyshot'} | none",
            })
    void takesTheFamilyFromTheBodyElseFromTheUrl(String inUrl, String body, String family) throws Exception {
        Map<String, Object> variables = inUrl == null ? Map.of() : Map.of("family", inUrl);

        assertThat(route(body.replace('\'', '"'), variables).getVariable("family"))
                .isEqualTo(family);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            nullValues = "none",
            value = {
                "lipsyncs        | {'output': 'https://x.ex/1,2'}                        | video https://x.ex/1,2",
                "lipsyncs_v2     | {'output': 'https://x.ex/1.wav'}                      | audio https://x.ex/1.wav",
                "text_to_speech  | {'output': ['https://x.ex/1', 'https://x.ex/2']}      | audio https://x.ex/1 audio https://x.ex/2",
                "iab_images      | {'output': [{'url': 'https://x.ex/1'}]}               | image https://x.ex/1",
                "asset_generator | {'assets': [{'url': 'https://x.ex/1'}, null, 5, '']}  | file https://x.ex/1",
                "none            | {'video_output': 'https://x.ex/1', 'outputs': []}     | file https://x.ex/1",
                "aurora          | {'outputs': [[{'url': 'https://x.ex/1'}]]}            | ''",
                "aurora          | {'output': {'url': 'https://x.ex/1'}}                 | ''",
                "aurora          | {'output': {}, 'video_output': 5, 'assets': true}     | ''",
                "aurora          | {'outputs': [{'url': ['https://x.ex/1']}, {'id': 5}]} | ''",
                "aurora          | {'output': '${body}', 'outputs': '${bean:results}'}   | video ${body} video ${bean:results}",
            })
    void listsTheFilesOfEachShape(String family, String files, String expected) throws Exception {
        Exchange recorded = route(
                "{\"id\": \"t-1\", \"status\": \"done\", "
                        + files.replace('\'', '"').substring(1),
                family == null ? Map.of() : Map.of("family", family));

        assertThat(recorded.getVariable("results"))
                .asInstanceOf(list(Map.class))
                .extracting(file -> file.get("kind") + " " + file.get("url"))
                .isEqualTo(expected.isEmpty() ? List.of() : List.of(expected.split(" (?=audio|video)")));
        assertThat(recorded.getVariable("alert")).isEqualTo(expected.isEmpty() ? "no_result" : null);
    }

    @Test
    void doesNotTakeAPreviewForAResult() throws Exception {
        String previews = "\"previews\": [{\"media_job\": \"m-1\", \"url\": \"https://x.ex/1\"}]}";
        Exchange done =
                route("{\"id\": \"t-1\", \"status\": \"done\", " + previews, Map.of("family", "link_to_videos"));

        assertThat(done.getVariable("alert")).isEqualTo("no_result");
        assertThat(done.getVariable("results"))
                .asInstanceOf(list(Map.class))
                .singleElement()
                .asInstanceOf(MAP)
                .containsEntry("kind", "video")
                .containsEntry("externalId", "m-1");
    }
}
