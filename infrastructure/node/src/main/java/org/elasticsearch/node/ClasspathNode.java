package org.elasticsearch.node;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.env.Environment;
import org.elasticsearch.plugins.ClasspathPluginsService;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;

/**
 * Builds a node whose plugins are jars on the class path instead of directories under modules/.
 *
 * <p>In this package because NodeConstruction and NodeServiceProvider, which let the plugin service be replaced, are
 * visible only here.
 */
public final class ClasspathNode {
    /** In order: a plugin that others extend (core by all, kql by esql) comes before them. */
    private static final List<String> PLUGINS = List.of(
        "org.elasticsearch.transport.netty4.Netty4Plugin",
        "org.elasticsearch.xpack.core.XPackPlugin",
        "org.elasticsearch.xpack.kql.KqlPlugin",
        "org.elasticsearch.xpack.esql.plugin.EsqlPlugin",
        "org.elasticsearch.xpack.security.Security",
        "busyhour.node.RootEndpointPlugin",
        "busyhour.node.SecurityIndexAnalysisPlugin");

    private ClasspathNode() {}

    /** The node, ready to be started. */
    public static Node create(Environment environment) {
        PluginsLoader nothingOnDisk = PluginsLoader.createPluginsLoader(Set.of(), Set.of(), Map.of(), false);
        return new Node(NodeConstruction.prepareConstruction(environment, nothingOnDisk, new ClasspathServices(), true));
    }

    private static final class ClasspathServices extends NodeServiceProvider {
        @Override
        PluginsService newPluginService(Environment environment, PluginsLoader loader) {
            return new ClasspathPluginsService(environment.settings(), environment.configDir(), loader, PLUGINS);
        }
    }
}
