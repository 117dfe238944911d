package s3server

// FeatureCount is how many features there are.
const FeatureCount = featureCount
