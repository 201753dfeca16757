// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.cluster.maglev.Lut;

/**
 * A Maglev table that the cluster has agreed on.
 *
 * @param digest of the table
 */
public record LutTarget(long generation, String digest, Lut lut) {}
