package dev.callboard.command;

import dev.callboard.StoppedRoutes;
import dev.callboard.alert.Chat;
import dev.callboard.alert.MailCheck;
import dev.callboard.alert.MailServer;
import dev.callboard.alert.Recipients;
import dev.callboard.db.Database;
import dev.callboard.provider.KeyCheck;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.camel.CamelContext;

/**
 * {@code callboard check}: whether a start would succeed, and whether what Callboard depends on answers. Prints a line for
 * each thing that it has checked, and goes on after one that failed. Opens no port for callers, records nothing, sends no mail
 * and migrates no table. Callboard may run meanwhile.
 */
final class Check {
    private final PrintStream out;
    private boolean failed;

    Check(PrintStream out) {
        this.out = out;
    }

    /**
     * Checks all of it, and returns whether nothing failed.
     *
     * @param reader reads the settings, which is the first thing that can fail
     */
    boolean run(Supplier<Settings> reader) {
        Settings settings;
        try {
            settings = reader.get();
        } catch (StartException e) {
            report(false, "settings", e.getMessage());
            return false;
        }
        report(
                true,
                "settings",
                Files.exists(Settings.FILE)
                        ? Settings.FILE.toAbsolutePath() + ", and the environment"
                        : "the environment; there is no " + Settings.FILE.toAbsolutePath());
        checkPorts(settings);
        checkDatabase(settings);
        checkMails(settings);
        try (StoppedRoutes routes = StoppedRoutes.read(settings)) {
            report(
                    true,
                    "routes",
                    settings.routes().pattern() + ", with the schemas of "
                            + String.join(", ", settings.providerNames()));
            settings.providers().forEach((name, provider) -> checkKey(routes.camel(), name, provider.lookups()));
        } catch (StartException e) {
            report(false, "routes", e.getMessage());
        }
        return !failed;
    }

    private void checkPorts(Settings settings) {
        Optional<String> running = Management.runningVersion(settings);
        if (running.isPresent()) {
            report(
                    true,
                    "ports",
                    settings.http().port() + " and " + settings.management().port() + " are those of Callboard "
                            + running.get() + ", which runs");
            return;
        }
        boolean http = checkPort(
                "callboard.http.port", settings.http().host(), settings.http().port());
        boolean management = checkPort(
                "callboard.management.port",
                settings.management().host(),
                settings.management().port());
        if (http && management) {
            report(
                    true,
                    "ports",
                    settings.http().port() + " and " + settings.management().port() + " are free");
        }
    }

    private boolean checkPort(String key, String host, int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(host, port));
            return true;
        } catch (IOException e) {
            report(false, "ports", key + ": can't listen on " + host + ":" + port + " (" + e.getMessage() + ")");
            return false;
        }
    }

    /** Posts nothing to the chat: that would be a message to people. */
    private void checkMails(Settings settings) {
        String chat = Chat.describe(settings);
        String andChat = chat.isEmpty() ? "" : "; chat at " + chat + " (callboard test-mail tries it)";
        try {
            if (!new Recipients(settings).hasAddresses()) {
                report(true, "mails", "none" + andChat);
                return;
            }
        } catch (StartException e) {
            report(false, "mails", e.getMessage());
            return;
        }
        Optional<String> fault = MailCheck.fault(settings);
        report(
                fault.isEmpty(),
                "mails",
                MailServer.describe(settings) + fault.map(why -> ": " + why).orElse("") + andChat);
    }

    private void checkDatabase(Settings settings) {
        try {
            String location = Database.location(settings.database().url());
            report(
                    true,
                    "database",
                    switch (Database.find(settings.database())) {
                        case MISSING -> location + ", whose tables the next start creates";
                        case CURRENT -> location;
                        case OLDER -> location + ", whose tables the next start migrates: make a backup first";
                        case IN_USE -> location + ", which another process has open, such as a Callboard that runs";
                    });
        } catch (StartException e) {
            report(false, "database", e.getMessage());
        }
    }

    private void checkKey(CamelContext camel, String provider, Settings.Lookups lookups) {
        String key = "callboard." + provider + ".api-key";
        String route = "lookup-" + provider;
        if (lookups.apiKey().isEmpty()) {
            report(true, provider, key + " is not set, so nothing is looked up");
            return;
        }
        if (camel.getRoute(route) == null) {
            report(true, provider, "there is no route " + route + ", so nothing is looked up");
            return;
        }
        try {
            camel.getRouteController().startRoute(route);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        KeyCheck.Answer answer = KeyCheck.ask(camel, provider, Instant.now());
        report(
                answer.result() == KeyCheck.Result.ACCEPTED,
                provider,
                switch (answer.result()) {
                    case ACCEPTED -> "the API accepts " + key + " (" + answer.text() + ")";
                    case REFUSED -> "the API rejects " + key + " (" + answer.text() + ")";
                    case UNKNOWN -> "the API does not answer: " + answer.text();
                });
    }

    private void report(boolean ok, String what, String text) {
        failed |= !ok;
        out.println(String.format("%-7s %-9s %s", ok ? "ok" : "FAILED", what, text));
    }
}
