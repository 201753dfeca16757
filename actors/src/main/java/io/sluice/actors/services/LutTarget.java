// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.cluster.maglev.Formers;
import io.sluice.cluster.maglev.Lut;

/**
 * A Maglev table that the cluster has agreed on.
 *
 * @param digest of the table
 * @param formers where its slots led before they moved
 */
public record LutTarget(long generation, String digest, Lut lut, Formers formers) {}
