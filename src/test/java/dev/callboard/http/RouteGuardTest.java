package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Edits of the route files that would open an HTTP path without the source check: Callboard starts with none of them. */
class RouteGuardTest {
    private static final String CHECK =
            """
                      - to:
                          description: >-
                            Admits the addresses in callboard.<provider>.allowed-sources, with callboard.<provider>.token if it is set. Any
                            other caller is answered 403. Sets the variables clientAddress and method.
                          uri: bean
                          parameters:
                            beanName: sourceCheck
                            method: admit
            """;

    private static final String UNMARSHAL = "          - unmarshal:\n";

    /** The message must begin with the path of the edited file. */
    private static void doesNotStart(String file, UnaryOperator<String> edit, String why) {
        String routes = TestCallboard.editedRoutes(file, edit);
        Map<String, String> settings =
                Map.of("callboard.routes", routes, "callboard.fotor.token", "0123456789-0123456789_0123456789");
        String path = routes.replaceFirst("^file:", "").replace("*", file);
        assertThatThrownBy(() -> TestCallboard.start(Backend.H2, settings).close())
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(path + ": ")
                .hasMessageContaining(why)
                .hasMessageNotContaining("0123456789");
    }

    private static void doesNotStart(UnaryOperator<String> edit) {
        doesNotStart("receive-callback", edit, "bean:sourceCheck?method=admit");
    }

    private static String addRoute(String text, String uri) {
        return text
                + """
                - route:
                    id: open-path
                    from:
                      uri: URI
                      steps:
                        - log:
                            message: received
                """
                        .replace("URI", uri);
    }

    @Test
    void rejectsATemplateWithoutTheSourceCheck() {
        doesNotStart(text -> text.replace(CHECK, ""));
    }

    @Test
    void rejectsATemplateThatReadsTheBodyFirst() {
        doesNotStart(text -> text.replace(CHECK, "").replace(UNMARSHAL, CHECK + UNMARSHAL));
    }

    @Test
    void rejectsATemplateThatChecksTheSourceOnlyUnderACondition() {
        doesNotStart(text -> text.replace(
                CHECK,
                "          - filter:\n              expression: { constant: { expression: \"true\" } }\n"
                        + "              steps:\n" + CHECK.indent(6)));
    }

    @Test
    void rejectsATemplateThatTakesTheProviderFromTheCaller() {
        doesNotStart(text -> text.replace(
                "constant:\n                  expression: \"{{provider}}\"",
                "simple:\n                  expression: \"${header.provider}\""));
    }

    @Test
    void rejectsATemplateThatStoresTheToken() {
        doesNotStart(
                "receive-callback",
                text -> text.replace(
                        "beanName: callbackBody\n                method: read",
                        "beanName: results\n                method: add"),
                "bean:callbackBody?method=read");
    }

    @Test
    void rejectsATemplateThatEndsBeforeItsLastStep() {
        doesNotStart(
                "receive-callback",
                text -> text.replace(
                        UNMARSHAL,
                        "          - filter:\n              expression: { simple: { expression: \"${body} == 'x'\" } }\n"
                                + "              steps:\n                - stop: {}\n" + UNMARSHAL),
                "must have stop only in the filter");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "              uri: direct\n              parameters:\n                name: answer-recorded\n",
                "      routeConfigurationId: answer-errors\n"
            })
    void rejectsATemplateThatCouldAnswer200ToACallbackThatIsNotRecorded(String part) {
        String log = "              uri: log\n              parameters:\n                loggerName: received\n";
        doesNotStart(
                "receive-callback",
                text -> text.replace(part, part.contains("uri") ? log : ""),
                "must end with direct:answer-recorded and have routeConfigurationId answer-errors");
    }

    @Test
    void rejectsATemplateWhoseLastStepIsDisabled() {
        String name = "                name: answer-recorded\n";
        doesNotStart(
                "receive-callback",
                text -> text.replace(name, name + "              disabled: \"true\"\n"),
                "must end with direct:answer-recorded");
    }

    @Test
    void rejectsATemplateThatAnswersAsIfABrokerHadTheCallback() {
        doesNotStart(
                "receive-callback",
                text -> text.replace("name: answer-recorded", "name: answer-accepted"),
                "direct:answer-accepted is possible only right after a step to kafka: with requestRequiredAcks=all");
    }

    @ParameterizedTest
    @ValueSource(strings = {"platform-http:/open", "rest:get:open"})
    void rejectsARouteThatOpensAPathWithoutTheTemplate(String uri) {
        doesNotStart("fotor", text -> addRoute(text, uri), "open-path opens an HTTP path");
    }

    @Test
    void rejectsARouteWithTheSourceCheckThatIsNotMadeFromTheTemplate() {
        doesNotStart(
                "creatify",
                text -> addRoute(text, "platform-http:/open")
                        .replace("        - log:\n            message: received\n", CHECK.indent(-2)),
                "open-path opens an HTTP path");
    }

    @Test
    void rejectsACopyOfTheTemplateUnderAnotherId() throws IOException {
        String template = Files.readString(Path.of("routes/receive-callback.camel.yaml"));
        String copy =
                template.replace("id: receive-callback", "id: receive-all").replace(CHECK, "");
        assertThat(copy).doesNotContain("sourceCheck");
        doesNotStart(
                "creatify",
                text -> copy + text.replace("routeTemplateRef: receive-callback", "routeTemplateRef: receive-all"),
                "receive-creatify opens an HTTP path");
    }
}
