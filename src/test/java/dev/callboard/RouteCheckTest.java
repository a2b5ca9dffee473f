package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mistakes in a user's router that Camel would find only when a callback comes, or never. */
final class RouteCheckTest {

    private static TestCallboard callboard;

    @BeforeAll
    static void start() {
        callboard = TestCallboard.start(Backend.H2, Map.of("callboard.alerts.kind.image_ready.to", "images@localhost"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    name: record-task   | name: record-taks   | calls direct:record-taks, but no route begins with it; did you mean direct:record-task?
                    name: list-fotor-results\\n        - choice | name: elsewhere\\n        - choice | calls direct:elsewhere, but no route begins with it
                    beanName: results   | beanName: results\\n                    # x | ''
                    method: add         | method: ad          | calls the method ad of the bean results, which has none; did you mean add?
                    noErrorHandler: {}  | deadLetterChannel: {deadLetterUri: "direct:dead"} | calls direct:dead, but no route begins with it
                    expression: in_progress | expression: in_progres | sets outcome to 'in_progres', which is none of in_progress, completed, failed, unknown; did you mean in_progress?
                    expression: completed | expression: complete | sets outcome to 'complete', which is none of
                    expression: no_result | expression: noresult | sets alert to 'noresult', which is none of failed, no_result, incomplete, flagged, unknown, overdue, missed, malformed, refused, lookup_refused, quarantine_full, undelivered, image_ready; did you mean no_result?
                    },flagged           | },flaged            | sets alert to 'flaged', which is none of
                    expression: image   | expression: picture | sets kind to 'picture', which is none of image, video, audio, file
                    """)
    void findsAMistakeInARouter(String from, String to, String why) throws IOException {
        String text = Files.readString(Path.of("routes/fotor.camel.yaml"));
        String before = from.replace("\\n", "\n");
        assertThat(text).contains(before);
        String edited = text.replace(before, to.replace("\\n", "\n"));
        if (why.isEmpty()) {
            check(edited);
        } else {
            assertMistake(edited, why);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "toD: {uri: \"direct:nowhere\"}",
                "wireTap: {uri: \"direct:nowhere\"}",
                "wireTap: {uri: direct, parameters: {name: nowhere}}",
                "to: \"direct://nowhere?timeout=5\"",
                "to: \"seda:nowhere\"",
                "enrich: {expression: {constant: {expression: \"direct:nowhere\"}}}",
                "recipientList: {expression: {constant: {expression: \"direct:record-task,direct:nowhere\"}}}",
                "routingSlip: {expression: {simple: {expression: \"direct:nowhere\"}}}",
                "split: {expression: {simple: {expression: \"${body}\"}}, steps: [{to: \"direct:nowhere\"}]}",
                "loop: {expression: {constant: {expression: \"1\"}}, steps: [{to: \"direct:nowhere\"}]}",
                "multicast: {steps: [{to: \"direct:nowhere\"}]}",
                "choice: {when: [{simple: \"${body}\", steps: [{to: \"direct:nowhere\"}]}]}",
                "choice: {when: [{simple: \"${body}\", steps: []}], otherwise: {steps: [{to: \"direct:nowhere\"}]}}",
                "doTry: {steps: [{log: x}], doCatch: [{exception: [java.lang.Exception],"
                        + " steps: [{to: \"direct:nowhere\"}]}]}",
                "doTry: {steps: [{log: x}], doFinally: {steps: [{to: \"direct:nowhere\"}]}}",
                "setVariable: {name: outcome, simple: {expression: nowhere}}",
                "setVariable: {name: alert, constant: {expression: \"failed, nowhere\"}}",
                "setVariables: {variables: [{name: kind, constant: {expression: nowhere}}]}",
            })
    void findsItInEachKindOfStep(String step) {
        assertMistake(router("errorHandler: {noErrorHandler: {}}", step), "nowhere");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "toD: {uri: \"direct:${variable.target}\"}",
                "recipientList: {expression: {simple: {expression: \"${variable.target}\"}}}",
                "to: \"direct:{{callboard.http.host}}-none\"",
                "to: \"log:x\"",
                "setVariable: {name: outcome, simple: {expression: \"${variable.computed}\"}}",
                "setVariable: {name: alert, simple: {expression: \"${variable.alert}, image_ready\"}}",
                "setVariable: {name: alert, constant: {expression: \"\"}}",
                "setVariable: {name: kind, jsonpath: {expression: $.kind}}",
                "setVariable: {name: kind, constant: {expression: audio}}",
                "setVariable: {name: taskType, constant: {expression: anything}}",
            })
    void takesWhatIsComputedAndWhatExists(String step) {
        String edited = router("errorHandler: {noErrorHandler: {}}", step);
        if (step.contains("{{")) {
            assertMistake(edited, "calls direct:127.0.0.1-none");
        } else {
            check(edited);
        }
    }

    @Test
    void findsARouteConfigurationThatDoesNotExist() {
        assertMistake(
                router("routeConfigurationId: anser-errors", "to: \"direct:record-task\""),
                "names the route configuration anser-errors, which does not exist; did you mean answer-errors?");
    }

    /** A router of Fotor with one step. */
    private static String router(String option, String step) {
        return "- route:\n    id: fotor\n    " + option + "\n    from: {uri: \"direct:fotor\", steps: [{" + step
                + "}]}\n";
    }

    private static void assertMistake(String edited, String why) {
        assertThatThrownBy(() -> check(edited))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("routes/fotor.camel.yaml: the route ")
                .hasMessageContaining(why);
    }

    private static void check(String edited) {
        CamelContext camel = callboard.callboard().camel();
        try {
            for (var builder : PluginHelper.getRoutesLoader(camel)
                    .findRoutesBuilders(ResourceHelper.fromString(
                            "file:" + Path.of("routes/fotor.camel.yaml").toAbsolutePath(), edited))) {
                camel.getRegistry()
                        .lookupByNameAndType("routeCheck", RouteCheck.class)
                        .check(((RouteBuilder) builder).configureRoutes(camel).getRoutes());
            }
        } catch (StartException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
