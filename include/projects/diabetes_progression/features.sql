-- One row a patient: the ten measurements at baseline.
SELECT
    PATIENT_ID,
    AGE,
    SEX,
    BMI,
    BP,
    S1,
    S2,
    S3,
    S4,
    S5,
    S6
FROM {{ source }}
