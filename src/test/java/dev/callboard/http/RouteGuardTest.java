package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Edits of the route files that would open a door: none of them starts. */
class RouteGuardTest {
    private static final String CHECK =
            """
                    - to:
                        description: "Who is calling? Only callboard.fotor.allowed-sources may, with callboard.fotor.token if one is set; anyone else is answered 403."
                        uri: bean:sourceCheck
                        parameters:
                          method: admit
            """;

    private static void refusesToStart(UnaryOperator<String> edit, String file, String why) {
        Map<String, String> settings = Map.of(
                "callboard.routes",
                TestCallboard.editedRoutes("receive-fotor", edit),
                "callboard.fotor.token",
                "0123456789-0123456789_0123456789");
        assertThatThrownBy(() -> TestCallboard.start(Backend.H2, settings).close())
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(file)
                .hasMessageContaining(why)
                .hasMessageNotContaining("0123456789");
    }

    private static void refusesToStart(UnaryOperator<String> edit) {
        refusesToStart(edit, "routes/receive-fotor.camel.yaml: ", "bean:sourceCheck?method=admit");
    }

    @Test
    void doesNotStartARouteThatAsksNobodyWhoHeIs() {
        refusesToStart(text -> text.replace(CHECK, ""));
    }

    @Test
    void doesNotStartARouteThatReadsTheBodyFirst() {
        refusesToStart(text -> text.replace(CHECK, "")
                .replace(
                        "        - setVariable:\n            name: payload",
                        CHECK + "        - setVariable:\n            name: payload"));
    }

    @Test
    void doesNotStartARouteThatAsksOnlyAtTimes() {
        refusesToStart(text -> text.replace(
                CHECK,
                "        - filter:\n            expression: { constant: { expression: \"true\" } }\n            steps:\n"
                        + CHECK.indent(6)));
    }

    @Test
    void doesNotStartARouteThatTakesTheProviderFromTheCaller() {
        refusesToStart(text -> text.replace(
                "              constant:\n                expression: fotor",
                "              simple:\n                expression: \"${header.provider}\""));
    }

    @Test
    void doesNotStartARouteThatKeepsTheToken() {
        refusesToStart(
                text -> text.replace("uri: bean:tokens", "uri: bean:results"),
                "routes/receive-fotor.camel.yaml: ",
                "bean:tokens?method=strikeOut");
    }

    @Test
    void doesNotStartASecondRouteWithAnOpenPath() {
        refusesToStart(
                text -> text
                        + """
                        - route:
                            id: open-door
                            from:
                              uri: platform-http:/open
                              steps:
                                - log: { message: "come in" }
                        """,
                "routes/open-door.camel.yaml: ",
                "bean:sourceCheck?method=admit");
    }
}
