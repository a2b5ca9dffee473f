package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The settings of the chat, and the word that stands for it among recipients. */
final class ChatSettingsTest {
    private static final String URL = "callboard.alerts.webhook.url";
    private static final String FORMAT = "callboard.alerts.webhook.format";
    private static final String TO = "callboard.alerts.to";

    private static Recipients recipients(Map<String, String> given) {
        return new Recipients(MailServerTest.settings(given));
    }

    private static Map<String, String> chat(String... more) {
        Map<String, String> given =
                new HashMap<>(Map.of(URL, "https://hooks.x.example/s3cret?sig=s3cret", FORMAT, "slack"));
        for (int i = 0; i < more.length; i += 2) {
            given.put(more[i], more[i + 1]);
        }
        return given;
    }

    private static void assertStops(Map<String, String> given, String key, String... parts) {
        assertThatThrownBy(() -> recipients(given))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(key + ": ")
                .hasMessageNotContaining("s3cret")
                .satisfies(e -> assertThat(List.of(parts))
                        .allSatisfy(part -> assertThat(e).hasMessageContaining(part)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "s3cret",
                "ftp://x.example/s3cret",
                "http://x.example/s3cret",
                "https://user:s3cret@x.example/",
                "https://x.example/#s3cret",
                "https:///s3cret",
                "https://x.example/s3cret\nHost: y",
                "https://x.example/ s3cret",
                "https://x.example/s3crét",
                "https://x.example:99999/s3cret",
                "https://x.example/s3cret%2"
            })
    void rejectsWhatIsNoUrlOfAWebhookWithoutShowingIt(String url) {
        assertStops(chat(URL, url, TO, "webhook"), URL);
    }

    @Test
    void takesAnUnencryptedUrlOnLoopback() {
        assertThat(recipients(chat(URL, "http://127.0.0.1:8090/topic", TO, "webhook"))
                        .all())
                .hasSize(1);
    }

    @Test
    void needsAFormatWithTheUrl() {
        assertStops(
                chat(FORMAT, "", TO, "webhook"), FORMAT, "is needed with " + URL, "slack, teams, discord, ntfy, json");
        assertStops(chat(FORMAT, "https://hooks.x.example/s3cret", TO, "webhook"), FORMAT, "not known", "slack, teams");
    }

    @ParameterizedTest
    @CsvSource({
        "callboard.alerts.to, 'ops@x.example, webhook'",
        "callboard.alerts.to, WEBHOOK",
        "callboard.alerts.kind.failed.to, webhook",
        "callboard.alerts.kind.image_ready.to, webhook",
        "callboard.alerts.provider.fotor.to, webhook"
    })
    void needsTheUrlWithTheWordAndTheWordWithTheUrl(String key, String value) {
        assertStops(Map.of(key, value), key, "names webhook, which needs " + URL);
        assertStops(chat(), URL, "no recipients name it; add the word webhook, as in callboard.alerts.to=");
        assertThat(recipients(chat(key, value)).all())
                .extracting(Object::toString)
                .contains("webhook");
    }

    @Test
    void doesNotShowAUrlThatIsWrittenAmongRecipients() {
        assertStops(chat(TO, "ops@x.example, https://hooks.x.example/s3cret"), TO, "set " + URL, "write webhook here");
    }

    @Test
    void needsNoReachableSenderForTheChatAlone() {
        Map<String, String> given = chat(TO, "webhook", "callboard.mail.host", "mail.x.example");
        assertThat(recipients(given).hasAddresses()).isFalse();
        given.put(TO, "ops@x.example, webhook");
        assertStops(given, "callboard.alerts.from", "callboard@localhost");
        given.put("callboard.alerts.from", "no address");
        given.put(TO, "webhook");
        assertStops(given, "callboard.alerts.from");
    }

    @Test
    void isOneRecipientHoweverOftenItIsNamed() {
        Recipients recipients = recipients(chat(
                TO, "webhook, ops@x.example, Webhook", "callboard.alerts.kind.flagged.to", "webhook, b@x.example"));
        assertThat(recipients.of(AlertKind.FAILED, "fotor"))
                .extracting(Object::toString)
                .containsExactly("webhook", "ops@x.example");
        assertThat(recipients.of(AlertKind.UNDELIVERED, "fotor"))
                .extracting(Object::toString)
                .containsExactly("webhook", "ops@x.example", "b@x.example");
        assertThat(recipients.addresses()).extracting(Object::toString).containsExactly("ops@x.example", "b@x.example");
        assertThat(recipients.describe(Settings.Alerts.WEBHOOK)).isEqualTo("the webhook at hooks.x.example");
    }
}
