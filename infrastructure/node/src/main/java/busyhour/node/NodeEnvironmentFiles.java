package busyhour.node;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;

/** Makes the directories of one node and merges its settings: our paths, then elasticsearch.yml, then overrides. */
final class NodeEnvironmentFiles {
    private NodeEnvironmentFiles() {}

    static Environment prepare(Path home, BootstrapKeystore secrets, Map<String, String> overrides) throws IOException {
        // Elasticsearch lists plugins/ even when it is empty, and refuses snapshots outside path.repo.
        for (String name : List.of("config", "data", "logs", "plugins", "snapshots")) {
            Files.createDirectories(home.resolve(name));
        }
        Settings settings = Settings.builder()
            .put("path.home", home.toString())
            .putList("path.repo", home.resolve("snapshots").toString()) // a list: a comma in the path stays one path
            .setSecureSettings(secrets.settings())
            .build();
        return InternalSettingsPreparer.prepareEnvironment(
            settings, overrides, home.resolve("config"), () -> InetAddress.getLoopbackAddress().getHostName());
    }
}
