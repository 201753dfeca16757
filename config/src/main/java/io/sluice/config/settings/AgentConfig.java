// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import com.typesafe.config.Config;
import io.sluice.config.model.FelixConfiguration;
import io.sluice.config.model.Kind;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the node itself says: the agent's file and environment. Immutable and valid. */
public final class AgentConfig {
  private final AgentKeys keys;
  private final Map<Setting<?>, Settings.Given> local;
  private final List<Problem> problems;
  private final Config raw;

  AgentConfig(
      AgentKeys keys, Map<Setting<?>, Settings.Given> local, List<Problem> problems, Config raw) {
    this.keys = keys;
    this.local = Map.copyOf(local);
    this.problems = List.copyOf(problems);
    this.raw = raw;
  }

  /**
   * Reads the agent's file (HOCON, below {@code sluice}) and environment ({@code FELIX_…}).
   *
   * @param file absent: defaults and environment alone
   * @throws SettingsException if the file cannot be read, or anything in it or in the environment
   *     is not valid; it names everything that is wrong
   */
  public static AgentConfig load(Optional<Path> file, Map<String, String> environment)
      throws SettingsException {
    return new AgentConfigReader(environment).read(file);
  }

  /** As {@link #load(Optional, Map)}, with this process's environment. */
  public static AgentConfig load(Path file) throws SettingsException {
    return load(Optional.of(file), System.getenv());
  }

  /** The agent's own keys. */
  public AgentKeys keys() {
    return keys;
  }

  /** Warnings, and what is ignored. */
  public List<Problem> problems() {
    return problems;
  }

  /** The whole file, resolved, for parts (Akka's) that read their own keys. */
  public Config raw() {
    return raw;
  }

  /** The settings in force with these resources, a snapshot's for instance. */
  public Settings settings(Map<ResourceKey, Resource> resources) {
    return Settings.merge(
        local,
        felix(resources, FelixConfiguration.NODE_PREFIX + keys.nodeName()),
        felix(resources, FelixConfiguration.DEFAULT));
  }

  private static Optional<FelixConfiguration> felix(
      Map<ResourceKey, Resource> resources, String name) {
    Resource found = resources.get(new ResourceKey(Kind.FELIX_CONFIGURATION, "", name));
    return found instanceof FelixConfiguration felix ? Optional.of(felix) : Optional.empty();
  }
}
